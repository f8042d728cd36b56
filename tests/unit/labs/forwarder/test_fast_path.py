"""Many frames of several flows in one ring: the fast path leads where the slow path does."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.labs.forwarder import fast_path
from halfopen.labs.forwarder import ring as rings
from halfopen.middlebox.packet import Addresses, Endpoint, Packet, Side
from halfopen.verbs import Rebind, SetIdleTimeout
from tests.unit.labs.forwarder.loops.both import KINDS, loops
from tests.unit.labs.forwarder.test_forwarder import (
    ACK,
    ENDS,
    FIN,
    IN,
    OUT,
    Nat,
    Place,
    Version,
    nats,
    ring_with,
    versions,
)


@pytest.fixture(params=KINDS, scope="module", autouse=True)
def kind(request: pytest.FixtureRequest) -> Iterator[None]:
    """With the loop in Python, and with the compiled one."""
    module = loops(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_path, "Way", module.Way)
        patch.setattr(fast_path, "forward", module.forward)
        patch.setattr(rings, "give_back", module.give_back)
        yield


VECTOR = struct.Struct("PN")


class Damage(NamedTuple):
    """To a frame: one byte of it is another, and it is cut, or longer than its packet."""

    at: int
    by: int
    longer: int

    def of(self, frame: bytearray) -> bytearray:
        damaged = bytearray(frame)
        damaged[self.at % len(frame)] ^= self.by
        return damaged + bytes(self.longer) if self.longer >= 0 else damaged[: self.longer]


def with_flows(version: Version, nat: Nat, count: int = 3) -> tuple[Place, list[Addresses]]:
    """A middlebox that knows flows, and how they look from inside."""
    place = Place(version, nat)
    flows = []
    for number in range(count):
        to = place.addresses[IN].destination
        place.addresses[IN] = Addresses(Endpoint(ENDS[version]["client"], 40000 + number), to)
        place.addresses[OUT] = place.addresses[IN].reverse
        place.open()
        flows.append(place.addresses[IN])
    return place, flows


def take_all(place: Place, side: Side, lying: list[bytearray], now: float) -> list[bytes]:
    """What leaves on the other side of frames in one ring."""
    ring, vectors, left = ring_with(*lying), bytearray(VECTOR.size * len(lying)), list[bytes]()
    place.middlebox.tick(now)
    while ring.next < len(lying):
        most = len(lying) - ring.next
        for number in range(place.middlebox.forward(ring, side, now, most, vectors, 0)):
            start, length = VECTOR.unpack_from(vectors, number * VECTOR.size)
            left.append(bytes(ring.memory[start : start + length]))
        if ring.next < len(lying):
            taken = ring.take()
            assert taken is not None
            start, length, unfinished = taken
            frame = bytearray(ring.memory[start : start + length])
            place.middlebox.receive(frame, side, now, unfinished=unfinished)
            left += map(bytes, place.left(side.other))
    assert ring.take() is None
    return left


def known(place: Place) -> list[object]:
    """What it knows, in the order of the last packets."""
    return [
        (f.number, f.state, f.deadline, f.last, f.assured, f.speakers)
        for f in place.middlebox.table
    ]


damages = st.builds(
    Damage, st.integers(0, 80), st.sampled_from([0, 0, 1, 64, 255]), st.integers(-3, 4)
)


@given(
    versions,
    nats,
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from([ACK, ACK, ACK | 8, FIN | ACK]),
            st.sampled_from([0, 1, 2, 2**31, 2**32 - 1]),
            st.sampled_from([0, 1, 1300, 1350]),
            st.sampled_from([64, 64, 2, 1]),
            st.one_of(st.just(Damage(0, 0, 0)), damages),
        ),
        max_size=12,
    ),
)
def test_a_ring_of_frames_is_taken_as_one_frame_after_the_other(
    version: Version, nat: Nat, script: list[tuple[int, int, int, int, int, Damage]]
) -> None:
    (slow, flows), (fast, _) = (with_flows(version, nat) for _ in range(2))
    lying = [
        damage.of(slow.frame(Packet(flows[flow], flags, seq, 1, length), IN, hops))
        for flow, flags, seq, length, hops, damage in script
    ]
    expected: list[bytes] = []
    slow.middlebox.tick(1.0)
    for frame in lying:
        slow.middlebox.receive(bytearray(frame), IN, 1.0)
        expected += map(bytes, slow.left(OUT))
    assert take_all(fast, IN, lying, 1.0) == expected
    assert fast.left(IN) == slow.left(IN)
    assert known(fast) == known(slow)
    assert fast.middlebox.table.next_expiry() == slow.middlebox.table.next_expiry()


def test_plain_segments_of_several_flows_go_at_once() -> None:
    place, flows = with_flows(4, "none")
    order = [0, 1, 2, 1, 1, 0]
    lying = [place.frame(Packet(flows[flow], ACK, 1, 1, 100), IN) for flow in order]
    assert place.middlebox.forward(ring_with(*lying), IN, 1.0, 4, bytearray(6 * 16), 0) == 4
    ring = ring_with(*lying)
    assert place.middlebox.forward(ring, IN, 1.0, 9, bytearray(9 * 16), 0) == 6
    assert [flow.number for flow in place.middlebox.table] == [3, 2, 1]
    assert place.middlebox.table.next_expiry() == 101.0


def test_the_frames_before_a_slow_one_are_taken_and_nothing_behind_it() -> None:
    place, flows = with_flows(4, "none", 1)
    plain = place.frame(Packet(flows[0], ACK, 1, 1, 1), IN)
    fin = place.frame(Packet(flows[0], FIN | ACK, 2, 1, 0), IN)
    ring = ring_with(plain, plain, fin, plain)
    assert place.middlebox.forward(ring, IN, 1.0, 4, bytearray(4 * 16), 0) == 2
    assert ring.take() == (2 * 2048 + 82, len(fin), False)


@pytest.mark.parametrize("status", [0, 1 | 8])
def test_a_frame_that_is_not_ready_does_not_go(status: int) -> None:
    place, flows = with_flows(4, "none", 1)
    plain = place.frame(Packet(flows[0], ACK, 1, 1, 1), IN)
    ring = ring_with(plain, status=status)
    assert place.middlebox.forward(ring, IN, 1.0, 1, bytearray(16), 0) == 0
    taken = ring.take()
    assert (taken is None) == (status == 0)
    assert taken is None or taken[2]


def test_a_frame_that_the_ring_has_cut_is_an_error() -> None:
    place, flows = with_flows(4, "none", 1)
    ring = ring_with(place.frame(Packet(flows[0], ACK, 1, 1, 1), IN))
    struct.pack_into("=I", ring.memory, 8, 54)
    assert place.middlebox.forward(ring, IN, 1.0, 1, bytearray(16), 0) == 0
    with pytest.raises(OSError, match="55 bytes"):
        ring.take()


def test_a_ring_goes_round_and_gives_back_what_was_taken() -> None:
    place, flows = with_flows(4, "none", 1)
    plain = place.frame(Packet(flows[0], ACK, 1, 1, 1), IN)
    ring = ring_with(plain, plain, plain)
    ring.next = 2
    assert place.middlebox.forward(ring, IN, 1.0, 2, bytearray(32), 0) == 1
    ring.give_back(1)
    assert (ring.next, ring.take()) == (3, None)
    ring.next = 4
    assert ring.take() == (82, 55, False)
    assert ring.take() == (2048 + 82, 55, False)
    assert ring.take() is None
    ring.give_back(2)
    assert ring.next == 2
    assert not any(struct.unpack_from("=I", ring.memory, n * 2048)[0] for n in range(4))


@pytest.mark.parametrize(
    "policy",
    [
        {"keepalive_refreshes": False},
        {"refreshed_by": "inside"},
        {"lifetime": 50.0},
        {"unacknowledged": 10.0},
    ],
)
def test_a_policy_that_looks_at_each_segment_leaves_no_fast_path(policy: dict[str, object]) -> None:
    place = Place(**policy).open()  # type: ignore[arg-type]
    assert place.fast(place.frame(Packet(place.addresses[IN], ACK, 1, 1, 1), IN), IN, 1.0) is None


def test_an_idle_timeout_holds_from_the_next_segment_on() -> None:
    place, flows = with_flows(4, "none", 1)
    plain = place.frame(Packet(flows[0], ACK, 1, 1, 1), IN)
    for seconds, deadline in ((7.0, 8.0), (float("inf"), None), (None, 101.0)):
        place.do(SetIdleTimeout("middlebox", seconds))
        assert place.fast(plain, IN, 1.0) is not None
        assert place.middlebox.table.next_expiry() == deadline


def test_a_rebound_flow_has_no_fast_path_until_it_was_seen() -> None:
    place = Place(nat="source").open()
    plain = place.frame(Packet(place.addresses[IN], ACK, 1, 1, 1), IN)
    before = place.fast(plain, IN, 1.0)
    place.do(Rebind("middlebox", "client"))
    assert place.fast(plain, IN, 1.0) is None
    (seen,) = place.send(IN, length=1, now=1.0)
    assert place.fast(plain, IN, 1.0) == seen != before


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, 4),  # not for the middlebox
        (12, 0x09),  # not IP
        (14, 0x46),  # options
        (17, 56 + 1),  # longer than the frame
        (17, 39),  # shorter than its headers
        (20, 0x20),  # more fragments
        (21, 1),  # a fragment
        (22, 1),  # the last hop
        (23, 17),  # UDP
        (26, 11),  # somebody else's
        (46, 0x40),  # a header that is too short
        (46, 0xF0),  # a header longer than the packet
        (47, 0x11),  # FIN
        (47, 0x12),  # SYN
        (47, 0x14),  # RST
        (47, 0x08),  # no ACK
    ],
)
def test_what_is_not_a_plain_segment_does_not_take_the_fast_path(at: int, value: int) -> None:
    place = Place().open()
    frame = place.frame(Packet(place.addresses[IN], ACK, 1, 1, 16), IN)
    assert place.fast(frame, IN, 1.0) is not None
    frame[at] = value
    assert place.fast(frame, IN, 1.0) is None


def test_a_frame_is_sent_without_what_fills_it_up() -> None:
    place = Place().open()
    frame = place.frame(Packet(place.addresses[IN], ACK, 1, 1, 0), IN)
    passed = place.fast(frame + bytes(6), IN, 1.0)
    assert passed == place.fast(frame, IN, 1.0)
    assert passed is not None and len(passed) == 54
