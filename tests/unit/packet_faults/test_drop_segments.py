"""Which segments are dropped, in the engine of our own; and the rules for the kernel."""

from __future__ import annotations

import random
from typing import Any, get_args

import pytest

from halfopen.labs.forwarder.fault_pipeline import FaultPipeline
from halfopen.middlebox.packet import Flags
from halfopen.packet_faults import SegmentKind
from halfopen.packet_faults._packet_fault import PacketFacts
from halfopen.packet_faults.drop_segments import DropSegments

ADDRESSES = {"server": "198.18.2.2"}


def segment(flags: int, data: int = 0, to: str = "198.18.2.2") -> PacketFacts:
    return PacketFacts(to, "198.18.1.1", False, 40 + data, flags, data)


SEGMENTS = {
    "syn": segment(Flags.SYN),
    "syn-ack": segment(Flags.SYN | Flags.ACK),
    "data": segment(Flags.ACK, 1),
    "fin": segment(Flags.FIN | Flags.ACK),
    "rst": segment(Flags.RST),
}


def dropped(facts: list[PacketFacts], **fields: Any) -> list[bool]:
    pipeline = FaultPipeline(random.Random(1), lambda _: None)
    pipeline.add(DropSegments("firewall", "d", **fields), ADDRESSES)
    return [pipeline.refused(each) == "drop" for each in facts]


def rule_of(**fields: Any) -> list[Any]:
    (item,) = DropSegments("firewall", "d", **fields).rules(ADDRESSES)["nftables"]
    return list(item["add"]["rule"]["expr"])


@pytest.mark.parametrize("kind", get_args(SegmentKind))
def test_a_kind_is_that_and_no_other(kind: SegmentKind) -> None:
    told = dropped([*SEGMENTS.values(), segment(Flags.ACK), segment(0)], only=kind)
    assert told == [*(each == kind for each in SEGMENTS), False, False]


def test_data_with_a_fin_is_of_both_kinds() -> None:
    last = [segment(Flags.FIN | Flags.ACK, 10)]
    assert dropped(last, only="fin") == dropped(last, only="data") == [True]


def test_the_first_few_are_counted_from_the_beginning_among_their_kind() -> None:
    facts = [SEGMENTS["data"], SEGMENTS["syn"], SEGMENTS["data"], SEGMENTS["data"]]
    assert dropped(facts, only="data", first=2) == [True, False, True, False]
    assert dropped(facts, first=2) == [True, True, False, False]


def test_every_nth_is_the_last_of_n() -> None:
    assert dropped([SEGMENTS["data"]] * 7, every=3) == [False, False, True] * 2 + [False]


def test_those_towards_another_host_are_neither_dropped_nor_counted() -> None:
    other = segment(Flags.ACK, 1, to="198.18.1.1")
    facts = [other, SEGMENTS["data"], other, SEGMENTS["data"]]
    assert dropped(facts, to="server", first=1) == [False, True, False, False]


def test_the_rule_counts_after_all_other_tests() -> None:
    *_, number, own, blocked, drop = rule_of(to="server", only="syn", first=2)
    assert number["match"]["left"]["numgen"]["mode"] == "inc"
    assert (number["match"]["op"], number["match"]["right"]) == ("<", 2)
    assert own == {"counter": {"packets": 0, "bytes": 0}}
    assert (blocked, drop) == ({"counter": "blocked"}, {"drop": None})
    (number,) = [each for each in rule_of(every=5) if "match" in each]
    assert number["match"]["left"]["numgen"]["mod"] == 5
    assert number["match"]["right"] == 4


def test_what_is_counted_must_be_true_packets() -> None:
    assert DropSegments("f", "d", every=2).true_packets
    assert not DropSegments("f", "d", only="data").true_packets
