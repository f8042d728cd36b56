"""What a middlebox does with frames: the long way, the short way, and what stands on it."""

from __future__ import annotations

import random
import struct
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.errors import LabError
from halfopen.labs.forwarder import flow_table_verbs, frames, icmp
from halfopen.labs.forwarder.flow_table_verbs import Target
from halfopen.labs.forwarder.forwarder import Forwarder
from halfopen.labs.forwarder.frames import TTL, octets
from halfopen.labs.forwarder.loops.pure import SLOT
from halfopen.labs.forwarder.port import Port
from halfopen.labs.forwarder.ring import Ring
from halfopen.middlebox.flow import TrackedFlow
from halfopen.middlebox.nat import HostTranslation, SourceTranslation, Translator
from halfopen.middlebox.packet import Addresses, Endpoint, Flags, Packet, Side
from halfopen.middlebox.policy import Policy
from halfopen.model.effects import Touched
from halfopen.packet_faults.block import Block
from halfopen.packet_faults.impair import Impair
from halfopen.verbs import EndPacketFault, ForgetFlows, Rebind, SetIdleTimeout, Verb
from tests.unit.labs.forwarder.test_frames import read, sums_are_right

IN, OUT = Side.INSIDE, Side.OUTSIDE
SYN, ACK, FIN, RST = Flags.SYN, Flags.ACK, Flags.FIN, Flags.RST
SLOT_SIZE, FRAME_AT = 2048, 82
Nat = Literal["none", "source", "destination"]
Version = Literal[4, 6]

ENDS: dict[Version, dict[str, str]] = {
    4: {"client": "10.0.1.1", "inward": "10.0.1.2", "outward": "10.0.2.1", "server": "10.0.2.2"},
    6: {
        "client": "fd00:1::1",
        "inward": "fd00:1::2",
        "outward": "fd00:2::1",
        "server": "fd00:2::2",
    },
}
MACS = {IN: (b"\2\0\0\0\1\2", b"\2\0\0\0\1\1"), OUT: (b"\2\0\0\0\2\1", b"\2\0\0\0\2\2")}


class Place:
    """A forwarder with its two links, and a connection over it."""

    def __init__(self, version: Version = 4, nat: Nat = "none", **policy: object) -> None:
        self.version = version
        ends = ENDS[version]
        own = {IN: octets(ends["inward"]), OUT: octets(ends["outward"])}
        ports = {
            side: Port(
                *MACS[side], mtu=1500 if side is IN else 1400, addresses={version: own[side]}
            )
            for side in Side
        }
        translator: Translator | None = None
        if nat == "source":
            translator = SourceTranslation(ends["outward"])
        elif nat == "destination":
            translator = HostTranslation({ends["inward"]: ends["server"]})
        self.ended: list[tuple[TrackedFlow, str]] = []
        self.middlebox = Forwarder(
            Policy(idle_timeout=100.0, nat=nat, **policy),  # type: ignore[arg-type]
            translator,
            ports,
            random.Random(5),
            ended=lambda flow, cause: self.ended.append((flow, cause)),
        )
        target = ends["inward"] if nat == "destination" else ends["server"]
        there = Addresses(Endpoint(ends["client"], 40000), Endpoint(target, 514))
        self.addresses = {IN: there, OUT: there.reverse}

    def frame(self, packet: Packet, side: Side, hops: int = 64) -> bytearray:
        ip = bytearray(frames.make_tcp(packet, payload=bytes(packet.length)))
        kind = b"\x08\x00" if self.version == 4 else b"\x86\xdd"
        own, peer = MACS[side]
        made = bytearray(own + peer + kind + ip)
        while read(made).hops > hops:
            frames.decrement_ttl(made, read(made))
        return made

    def send(
        self, side: Side, flags: int = ACK, now: float = 0.0, length: int = 0, hops: int = 64
    ) -> list[bytes | bytearray]:
        """What leaves on the other side."""
        packet = Packet(self.addresses[side], flags, seq=1, ack=1, length=length)
        self.middlebox.receive(self.frame(packet, side, hops), side, now)
        return self.left(side.other)

    def fast(self, frame: bytes | bytearray, side: Side, now: float) -> bytes | None:
        """What leaves on the other side by the fast path; None if the frame does not take it."""
        ring, vectors = ring_with(frame), bytearray(16)
        before = bytes(ring.memory)
        if not self.middlebox.forward(ring, side, now, 1, vectors, 0):
            assert (bytes(ring.memory), ring.next) == (before, 0)
            return None
        assert ring.next == 1
        start, length = struct.unpack("PN", vectors)
        return bytes(ring.memory[start : start + length])

    def left(self, side: Side) -> list[bytes | bytearray]:
        out = list(self.middlebox.out[side])
        self.middlebox.out[side].clear()
        return out

    def open(self) -> Place:
        (first,) = self.send(IN, SYN)
        self.addresses[OUT] = frames.addresses_of(first, read(first)).reverse
        assert self.send(OUT, SYN | ACK)
        assert self.send(IN)
        return self

    def do(self, verb: Verb, now: float = 0.0) -> Touched:
        return flow_table_verbs.do(verb, Target(self.middlebox, 100.0, ENDS[self.version]), now)


def ring_with(*lying: bytes | bytearray, status: int = 1) -> Ring:
    """A ring with these frames, as the kernel leaves them, and an empty slot behind them."""
    memory = bytearray(SLOT_SIZE * (len(lying) + 1))
    for number, frame in enumerate(lying):
        at = number * SLOT_SIZE
        SLOT.pack_into(memory, at, status, len(frame), len(frame), FRAME_AT)
        memory[at + FRAME_AT : at + FRAME_AT + len(frame)] = frame
    return Ring(memory, 0, len(lying) + 1, SLOT_SIZE)


versions = st.sampled_from([4, 6])
nats = st.sampled_from(["none", "source", "destination"])


@given(
    versions,
    nats,
    st.lists(
        st.tuples(
            st.sampled_from(Side),
            st.sampled_from([ACK, ACK | 8, FIN | ACK, RST, SYN]),
            st.sampled_from([0, 1, 2, 2**31, 2**32 - 1]),
            st.sampled_from([0, 1, 500, 1350, 1400]),
            st.sampled_from([0.0, 1.0, 99.0, 100.0]),
            st.sampled_from([64, 2, 1]),
        ),
        max_size=12,
    ),
    st.booleans(),
)
def test_the_short_way_leads_where_the_long_way_does(
    version: Version,
    nat: Nat,
    script: list[tuple[Side, int, int, int, float, int]],
    counts: bool,
) -> None:
    """Octet for byte, and with the same state of the flow behind it."""
    long, short = (Place(version, nat, keepalive_refreshes=counts).open() for _ in range(2))
    now = 0.0
    for side, flags, seq, length, pause, hops in script:
        now += pause
        packet = Packet(long.addresses[side], flags, seq, 1, length)
        frame = long.frame(packet, side, hops)
        long.middlebox.tick(now)
        long.middlebox.receive(bytearray(frame), side, now)
        expected = (long.left(IN), long.left(OUT))
        short.middlebox.tick(now)
        passed = short.fast(frame, side, now)
        if passed is not None:
            short.middlebox.out[side.other].append(passed)
        else:
            short.middlebox.receive(bytearray(frame), side, now)
        assert (short.left(IN), short.left(OUT)) == expected
        states = [
            [(f.state, f.deadline, f.last, f.assured, f.speakers) for f in place.middlebox.table]
            for place in (long, short)
        ]
        assert states[0] == states[1]
        assert long.middlebox.table.next_expiry() == short.middlebox.table.next_expiry()


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("nat", ["none", "source", "destination"])
def test_a_plain_segment_takes_the_short_way(version: Version, nat: Nat) -> None:
    place = Place(version, nat).open()
    for side in Side:
        frame = place.frame(Packet(place.addresses[side], ACK, 1, 1, 900), side)
        passed = place.fast(frame, side, 1.0)
        assert passed is not None
        assert passed[:12] == MACS[side.other][1] + MACS[side.other][0]
        assert read(passed).hops == 63
        assert sums_are_right(passed)
        source = frames.text(read(passed).source)
        hidden = (nat, side) in (("source", IN), ("destination", OUT))
        assert (source != place.addresses[side].source.address) is hidden


def test_nothing_takes_the_short_way_while_a_fault_stands() -> None:
    place = Place().open()
    frame = place.frame(Packet(place.addresses[IN], ACK, 1, 1, 1), IN)
    place.do(Block("middlebox", "b", to="client"))
    assert not place.fast(frame, IN, 0.0)
    place.do(EndPacketFault("middlebox", "b"))
    assert place.fast(frame, IN, 0.0)
    place.do(ForgetFlows("middlebox"))
    assert not place.fast(frame, IN, 0.0)


@pytest.mark.parametrize("version", [4, 6])
def test_what_is_too_long_or_too_old_is_said_to_its_sender(version: Version) -> None:
    place = Place(version).open()
    header = 40 if version == 4 else 60
    assert place.send(IN, length=1400 - header)
    assert not place.send(IN, length=1401 - header)
    (told,) = place.left(IN)
    assert icmp.subject(told, read(told)) == place.addresses[IN]
    assert frames.text(read(told).source) == ENDS[version]["inward"]
    assert struct.unpack_from("!I", told, read(told).inner + 4) == (1400,)
    assert not place.send(IN, hops=1)
    (told,) = place.left(IN)
    assert told[read(told).inner] == (11 if version == 4 else 3)
    assert not place.send(IN, hops=1, flags=FIN | ACK) and place.left(IN)


@pytest.mark.parametrize("version", [4, 6])
def test_an_error_about_a_hidden_client_finds_it(version: Version) -> None:
    place = Place(version, "source").open()
    (seen,) = place.send(IN, length=10)
    error = icmp.error(seen, read(seen), octets(ENDS[version]["server"]), "host unreachable", 0)
    kind = b"\x08\x00" if version == 4 else b"\x86\xdd"
    place.middlebox.receive(bytearray(MACS[OUT][0] + MACS[OUT][1] + kind + error), OUT, 0.0)
    (told,) = place.left(IN)
    assert frames.text(read(told).destination) == ENDS[version]["client"]
    assert icmp.subject(told, read(told)) == place.addresses[IN]
    assert sums_are_right(told)
    place.do(ForgetFlows("middlebox"))
    place.middlebox.receive(bytearray(MACS[OUT][0] + MACS[OUT][1] + kind + error), OUT, 0.0)
    assert not place.left(IN)


def test_what_is_no_segment_passes_where_nothing_is_translated() -> None:
    ends = ENDS[4]
    ping = frames.make_ip(
        octets(ends["client"]), octets(ends["server"]), 1, b"\x08\0\xf7\xff\0\0\0\0"
    )
    frame = MACS[IN][0] + MACS[IN][1] + b"\x08\x00" + ping
    plain, hidden = Place(), Place(nat="source")
    for place in (plain, hidden):
        place.middlebox.receive(bytearray(frame), IN, 0.0)
    (passed,) = plain.left(OUT)
    assert read(passed).hops == TTL - 1
    assert not hidden.left(OUT)


def test_what_is_for_the_box_or_for_nobody_is_left_alone() -> None:
    place = Place()
    own = Addresses(Endpoint("10.0.1.1", 1), Endpoint("10.0.1.2", 2))
    place.middlebox.receive(place.frame(Packet(own, SYN), IN), IN, 0.0)
    stranger = place.frame(Packet(place.addresses[IN], SYN), IN)
    stranger[0] ^= 4
    place.middlebox.receive(stranger, IN, 0.0)
    place.middlebox.receive(bytearray(MACS[IN][0] + MACS[IN][1] + b"\x08\x06" + bytes(28)), IN, 0.0)
    assert not place.left(IN) and not place.left(OUT) and not len(place.middlebox.table)


@given(st.binary(max_size=120), st.sampled_from([b"\x08\x00", b"\x86\xdd"]), st.booleans(), nats)
def test_rubbish_breaks_nothing(rest: bytes, kind: bytes, tcp: bool, nat: Nat) -> None:
    place = Place(nat=nat)
    frame = bytearray(MACS[IN][0] + MACS[IN][1] + kind + rest)
    if tcp and len(rest) > 40:
        frame[14:18] = struct.pack("!BBH", 0x45, 0, len(rest))
        frame[23] = 6
    assert place.fast(frame, IN, 0.0) is None
    place.middlebox.receive(frame, IN, 0.0, unfinished=True)


@pytest.mark.parametrize(
    ("block", "blocked"),
    [
        (Block("middlebox", "b"), {IN, OUT}),
        (Block("middlebox", "b", to="server"), {IN}),
        (Block("middlebox", "b", to="client"), {OUT}),
        (Block("middlebox", "b", client="client"), {IN, OUT}),
        (Block("middlebox", "b", client="server"), set()),
        (Block("middlebox", "b", only_new=True), set()),
        (Block("middlebox", "b", longer_than=139), {IN, OUT}),
        (Block("middlebox", "b", longer_than=140), set()),
    ],
)
@pytest.mark.parametrize("nat", ["none", "source", "destination"])
def test_a_block_stops_what_it_is_about(block: Block, blocked: set[Side], nat: Nat) -> None:
    place = Place(nat=nat).open()
    place.do(block)
    assert {side for side in Side if not place.send(side, length=100)} == blocked
    assert place.middlebox.tally.blocked == len(blocked)
    assert (place.middlebox.tally.blocked_octets, place.middlebox.tally.late) == (
        140 * len(blocked),
        0,
    )
    place.do(EndPacketFault("middlebox", "b"))
    assert all(place.send(side, length=100) for side in Side)
    with pytest.raises(LabError, match="'b'"):
        place.do(EndPacketFault("middlebox", "b"))


def test_a_new_flow_that_is_blocked_is_not_known() -> None:
    place = Place()
    place.do(Block("middlebox", "b", only_new=True, manner="reset"))
    assert not place.send(IN, SYN)
    (answer,) = place.left(IN)
    told = frames.read_tcp(answer, read(answer))
    assert told is not None and told.flags == RST | ACK and told.ack == 2
    assert sums_are_right(answer)
    assert not len(place.middlebox.table)


def test_a_block_says_unreachable() -> None:
    place = Place().open()
    place.do(Block("middlebox", "b", manner="unreachable"))
    assert not place.send(OUT, length=3)
    (told,) = place.left(OUT)
    assert told[read(told).inner : read(told).inner + 2] == b"\3\1"


def test_a_known_flow_lives_on_behind_a_block() -> None:
    place = Place().open()
    place.do(Block("middlebox", "b"))
    place.send(IN, now=60.0)
    assert place.middlebox.next_tick() == 160.0


def test_a_share_is_blocked_by_chance() -> None:
    place = Place().open()
    place.do(Block("middlebox", "b", share=0.3))
    passed = sum(bool(place.send(IN, length=1)) for _ in range(1000))
    assert 600 < passed < 800


def test_impairments_are_passed_one_after_another() -> None:
    place = Place().open()
    place.do(Impair("middlebox", "slow", delay=1.0))
    place.do(Impair("middlebox", "slower", to="server", delay=2.0))
    assert not place.send(IN, length=5) and not place.send(OUT, length=5)
    assert place.middlebox.next_tick() == 1.0
    place.middlebox.tick(1.0)
    assert len(place.left(IN)) == 1 and not place.left(OUT)
    place.middlebox.tick(2.9)
    assert not place.left(OUT)
    place.middlebox.tick(3.0)
    assert len(place.left(OUT)) == 1


def test_what_waits_goes_on_when_an_impairment_ends() -> None:
    place = Place().open()
    place.do(Impair("middlebox", "slow", delay=9.0))
    place.do(Impair("middlebox", "slower", delay=2.0))
    place.send(IN, length=5)
    place.do(EndPacketFault("middlebox", "slow"), now=1.0)
    assert not place.left(OUT)
    assert place.middlebox.next_tick() == 3.0
    place.do(EndPacketFault("middlebox", "slower"), now=2.0)
    assert len(place.left(OUT)) == 1
    with pytest.raises(LabError, match="slow"):
        place.do(EndPacketFault("middlebox", "slow"))


def test_what_is_damaged_has_a_wrong_checksum() -> None:
    place = Place().open()
    place.do(Impair("middlebox", "dirt", corrupt=1.0, duplicate=1.0))
    one, two = place.send(IN, length=100)
    assert not sums_are_right(one) and not sums_are_right(two)
    assert one != two
    plain = place.frame(Packet(place.addresses[IN], ACK, 1, 1, 100), IN)
    assert read(one) == replace(read(plain), hops=63)


def test_losses_are_counted_when_the_impairment_is_gone_too() -> None:
    place = Place().open()
    place.do(Impair("middlebox", "hole", loss=1.0))
    assert not place.send(IN, length=1)
    assert place.middlebox.faults.lost == 1
    place.do(EndPacketFault("middlebox", "hole"))
    assert place.middlebox.faults.lost == 1


def test_flows_end_for_a_reason_that_is_told() -> None:
    place = Place(after_rst=5.0).open()
    place.send(IN, RST)
    place.middlebox.tick(5.0)
    place.open()
    place.middlebox.tick(100.0)
    place.open()
    place.do(ForgetFlows("middlebox"))
    assert [cause for _, cause in place.ended] == ["closed", "expired", "forgotten"]


def test_an_evicted_flow_has_no_short_way_left() -> None:
    place = Place(table_size=1, eviction="oldest").open()
    first = place.frame(Packet(place.addresses[IN], ACK, 1, 1, 1), IN)
    place.addresses[IN] = Addresses(Endpoint("10.0.1.1", 40001), place.addresses[IN].destination)
    place.open()
    assert [cause for _, cause in place.ended] == ["evicted"]
    assert not place.fast(first, IN, 0.0)
    assert place.middlebox.tally.full == 0


def test_late_packets_and_a_full_table_are_counted_apart() -> None:
    place = Place(table_size=1, late_packet="rst sender").open()
    place.addresses[IN] = Addresses(Endpoint("10.0.1.1", 40001), place.addresses[IN].destination)
    assert not place.send(IN, SYN)
    assert (place.middlebox.tally.full, place.middlebox.tally.late) == (1, 0)
    assert not place.send(IN, length=60)
    assert place.left(IN)
    assert (place.middlebox.tally.late, place.middlebox.tally.late_octets) == (1, 100)


def test_a_rebound_flow_goes_on_from_another_port() -> None:
    place = Place(nat="source").open()
    (before,) = place.send(IN, length=1)
    assert place.do(Rebind("middlebox", "client")).counts == {"flows": 1}
    (flow,) = place.middlebox.table
    assert flow.outside.source.port != 40000
    (after,) = place.send(IN, length=1)
    ports = [frames.addresses_of(frame, read(frame)).source.port for frame in (before, after)]
    assert ports == [40000, flow.outside.source.port]
    assert place.do(Rebind("middlebox", "server")).counts == {"flows": 0}


def test_flows_are_forgotten_by_client_number_and_age() -> None:
    place = Place()
    for port in range(40000, 40006):
        end = Endpoint("10.0.1.1", port)
        place.addresses[IN] = Addresses(end, place.addresses[IN].destination)
        place.open()
    chosen = place.do(ForgetFlows("middlebox", "client", every=2, most=2))
    opened = [flow.partition(" > ")[0].rpartition(":")[2] for flow in chosen.flows]
    assert opened == ["40000", "40002"]
    assert chosen.counts == {"flows": 2}
    assert not place.do(ForgetFlows("middlebox", "server")).flows
    assert len(place.do(ForgetFlows("middlebox")).flows) == 4


def test_another_idle_timeout_holds_from_the_next_packet_on() -> None:
    place = Place().open()
    place.do(SetIdleTimeout("middlebox", 10.0))
    assert place.middlebox.next_tick() == 100.0
    place.send(IN, now=50.0)
    assert place.middlebox.next_tick() == 60.0
    place.do(SetIdleTimeout("middlebox", float("inf")))
    place.send(IN, now=55.0)
    assert place.middlebox.next_tick() is None
    place.do(SetIdleTimeout("middlebox", None))
    place.send(IN, now=56.0)
    assert place.middlebox.next_tick() == 156.0
