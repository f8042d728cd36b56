"""What is read of packets, and what became of them between two links."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.pcap.drops import TOLERANCE_NS, Observation, compare
from halfopen.pcap.packets import SYN, read_segment

from .frames import ACK, CLIENT, OUTSIDE, PSH, SERVER, ip, segment, tcp

MS = 1_000_000


def test_a_segment_is_the_same_with_other_addresses_and_ports() -> None:
    inside = segment(tcp(seq=7, ack=9, number=3, payload=b"abc"))
    outside = segment(tcp(OUTSIDE, ports=(1024, 2514), seq=7, ack=9, number=3, payload=b"abc"))
    assert inside.identity == outside.identity
    assert (inside.source, inside.destination) == (f"{CLIENT}:40001", f"{SERVER}:2514")
    assert inside.size == 3
    other = segment(tcp(seq=7, ack=9, number=4, payload=b"abc"))
    assert other.identity != inside.identity


def test_ipv6_is_named_as_histories_name_it() -> None:
    found = segment(tcp("fd00:1::1", "fd00:2::2", flags=SYN))
    assert (found.source, found.destination) == ("[fd00:1::1]:40001", "[fd00:2::2]:2514")
    assert found.opens
    assert not segment(tcp(flags=SYN | ACK)).opens


def test_udp_and_echoes_are_known_by_what_they_carry() -> None:
    def udp(payload: bytes, port: int = 5000) -> bytes:
        return ip(
            CLIENT, SERVER, 17, struct.pack("!HHHH", port, 514, 8 + len(payload), 0) + payload
        )

    assert segment(udp(b"one")).identity == segment(udp(b"one", 6000)).identity
    assert segment(udp(b"one")).identity != segment(udp(b"two")).identity
    echo = struct.pack("!BBHHH", 8, 0, 0, 77, 1)
    assert segment(ip(CLIENT, SERVER, 1, echo)).source == CLIENT
    unreachable = struct.pack("!BBHI", 3, 1, 0, 0)
    assert read_segment(ip(CLIENT, SERVER, 1, unreachable)) is None


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        bytes(12) + b"\x08\x06" + bytes(28),  # ARP
        ip(CLIENT, SERVER, 6, b"too short"),
        ip(CLIENT, SERVER, 89, bytes(40)),
    ],
)
def test_what_is_no_packet_of_a_flow_is_not_identified(frame: bytes) -> None:
    assert read_segment(frame) is None


def test_a_fragment_is_not_identified() -> None:
    frame = bytearray(tcp(payload=b"abc"))
    frame[20:22] = b"\x20\x00"
    assert read_segment(bytes(frame)) is None


@given(st.binary(max_size=90) | st.binary(max_size=70).map(lambda b: bytes(12) + b"\x08\x00E" + b))
def test_any_octets_are_read_or_not_but_never_break(data: bytes) -> None:
    read_segment(data)


def seen(time_ms: float, frame: bytes) -> Observation:
    return Observation(round(time_ms * MS), segment(frame))


fates = st.lists(
    st.tuples(st.sampled_from(["pass", "drop", "copy", "translate"]), st.integers(0, 40)),
    max_size=12,
)


@given(fates, st.booleans())
def test_exactly_what_a_middlebox_dropped_and_made_is_found(
    plan: list[tuple[str, int]], v6: bool
) -> None:
    """Packets every 50 ms with delays below that, so that equal ones (IPv6) are told apart."""
    client, server = ("fd00:1::1", "fd00:2::2") if v6 else (CLIENT, SERVER)
    outside = "fd00:2::1" if v6 else OUTSIDE
    came, left = [], []
    for number, (fate, delay) in enumerate(plan):
        # A probe is the same each time, but for the identification that IPv6 has not.
        frame = tcp(client, server, seq=99, ack=1, number=number)
        came.append(seen(50 * number, frame))
        out = frame
        if fate == "translate":
            out = tcp(outside, server, (1024, 2514), seq=99, ack=1, number=number)
        if fate != "drop":
            left += [seen(50 * number + delay, out)] * (2 if fate == "copy" else 1)
    found = compare(came, left)
    dropped = [each for each, (fate, _) in zip(came, plan, strict=True) if fate == "drop"]
    copies = sum(fate == "copy" for fate, _ in plan)
    assert not found.injected
    if not v6:
        assert found.dropped == dropped
        assert len(found.copies) == copies
    else:  # a copy of one stands for another that was dropped: only the sum is certain
        assert len(dropped) - copies <= len(found.dropped) <= len(dropped)


def test_of_equal_packets_the_one_that_had_come_last_is_passed_on() -> None:
    probes = [seen(t, tcp("fd00:1::1", "fd00:2::2", seq=5)) for t in (0, 1000, 2000)]
    found = compare(probes, [seen(1001, tcp("fd00:1::1", "fd00:2::2", seq=5))])
    assert found.dropped == [probes[0], probes[2]]


def test_what_left_before_it_came_is_something_else() -> None:
    frame = tcp(seq=1, number=1)
    late = seen(2 * TOLERANCE_NS / MS, frame)
    early = seen(0, frame)
    found = compare([late], [early])
    assert (found.dropped, found.copies) == ([late], [early])
    assert not compare([seen(TOLERANCE_NS / MS / 2, frame)], [early]).dropped


def test_what_nobody_sent_was_made_by_the_middlebox() -> None:
    reset = seen(5, tcp(SERVER, CLIENT, (2514, 40001), flags=4))
    data = seen(4, tcp(payload=b"abc"))
    found = compare([data], [reset])
    assert (found.dropped, found.injected) == ([data], [reset])


def piece(start: int, size: int, number: int) -> bytes:
    return tcp(seq=start, ack=77, flags=ACK | PSH, payload=bytes(size), number=number)


@pytest.mark.parametrize("start", [1000, (1 << 32) - 50])
def test_what_leaves_in_other_pieces_is_passed_on(start: int) -> None:
    def at(offset: int) -> int:
        return (start + offset) % (1 << 32)

    one = [seen(0, piece(start, 300, 1))]
    many = [seen(1, piece(at(100 * n), 100, 10 + n)) for n in range(3)]
    for came, left in ((one, many), (many, one)):
        assert compare(came, [Observation(each.time_ns + MS, each.segment) for each in left]) == (
            compare([], [])
        )
    lost = seen(0.5, piece(at(300), 100, 2))
    assert compare([*one, lost], many).dropped == [lost]


def test_a_retransmission_does_not_hide_the_loss_of_the_original() -> None:
    first, again = seen(0, piece(1, 100, 1)), seen(200, piece(1, 100, 2))
    assert compare([first, again], [seen(201, piece(1, 100, 2))]).dropped == [first]
