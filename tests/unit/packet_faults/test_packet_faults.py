"""A packet fault is found by being there, and every engine that has terms for it lists it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from halfopen.errors import LabError
from halfopen.labs.agent.engines.conntrack import CONNTRACK
from halfopen.labs.agent.engines.userspace import USERSPACE
from halfopen.labs.forwarder.fault_pipeline import FaultPipeline
from halfopen.middlebox.packet import Side
from halfopen.packet_faults import KernelPacketFault, PacketFault, all_packet_faults
from halfopen.packet_faults._packet_fault import Behaviour, Departure, OutgoingPacket, PacketFacts
from halfopen.packet_faults.block import Block
from halfopen.packet_faults.impair import Impair

ADDRESSES = {"client": "198.18.1.1", "server": "198.18.2.2"}
FACTS = PacketFacts("198.18.2.2", "198.18.1.1", begins=False, octets=60)
PACKET = OutgoingPacket(b"frame", Side.OUTSIDE, 0, tcp=True, facts=FACTS)


class _Appending(Behaviour):
    def __init__(self, what: bytes, wait: float) -> None:
        self._what, self._wait = what, wait

    def on_packet(self, packet: OutgoingPacket, now: float) -> Sequence[Departure]:
        return (Departure(now + self._wait, replace(packet, frame=packet.frame + self._what)),)


@dataclass(frozen=True)
class _Append(PacketFault):
    what: bytes = b""
    wait: float = 0.0

    def behaviour(self, rng: random.Random) -> Behaviour:
        return _Appending(self.what, self.wait)


def pipeline() -> tuple[FaultPipeline, list[bytes]]:
    out: list[bytes] = []
    return FaultPipeline(random.Random(1), lambda packet: out.append(bytes(packet.frame))), out


def test_those_of_the_folder_are_found_and_listed_by_the_engines() -> None:
    assert {Block, Impair} <= set(all_packet_faults())
    for kind in all_packet_faults():
        assert kind in USERSPACE.verbs
        assert (kind in CONNTRACK.verbs) == issubclass(kind, KernelPacketFault)


def test_faults_are_passed_in_the_order_in_which_they_began() -> None:
    faults, out = pipeline()
    faults.add(_Append("box", "first", what=b" 1"), ADDRESSES)
    faults.add(_Append("box", "second", what=b" 2"), ADDRESSES)
    faults.enter(PACKET, 0.0)
    assert out == [b"frame 1 2"]


def test_a_fault_that_leaves_lets_what_it_held_go_on_through_those_behind_it() -> None:
    faults, out = pipeline()
    faults.add(_Append("box", "first", what=b" 1", wait=9.0), ADDRESSES)
    faults.add(_Append("box", "second", what=b" 2"), ADDRESSES)
    faults.enter(PACKET, 0.0)
    assert (out, faults.next_release()) == ([], 9.0)
    faults.remove("first", 1.0)
    assert out == [b"frame 1 2"]
    assert faults.next_release() is None
    faults.remove("second", 1.0)
    assert not faults


def test_a_fault_is_about_what_its_filter_finds() -> None:
    faults, out = pipeline()
    faults.add(_Append("box", "to", to="client", what=b" to"), ADDRESSES)
    faults.add(_Append("box", "of", client="client", what=b" of"), ADDRESSES)
    faults.enter(PACKET, 0.0)
    assert out == [b"frame of"]
    with pytest.raises(LabError, match="unknown host 'nobody'"):
        faults.add(_Append("box", "lost", to="nobody"), ADDRESSES)


def test_a_packet_without_delivery_is_counted_as_lost() -> None:
    faults, out = pipeline()
    faults.add(Impair("box", "hole", loss=1.0), ADDRESSES)
    faults.enter(PACKET, 0.0)
    assert (out, faults.lost) == ([], 1)


def test_what_a_fault_did_something_to_is_counted_while_it_is_active() -> None:
    faults, _ = pipeline()
    faults.add(Block("box", "wall", to="client"), ADDRESSES)
    faults.add(_Append("box", "pen", what=b"!"), ADDRESSES)
    faults.add(_Append("box", "ghost"), ADDRESSES)
    assert faults.refused(FACTS) is None
    faults.enter(PACKET, 0.0)
    assert [faults.touched(name) for name in ("wall", "pen", "ghost")] == [0, 1, 0]
    assert faults.refused(replace(FACTS, destination="198.18.1.1")) == "drop"
    assert faults.touched("wall") == 1
    faults.remove("pen", 1.0)
    assert faults.touched("pen") == 0
