"""What came to a middlebox and did not leave it, and what left it and never came.

Links are compared by what a middlebox leaves as it is (:attr:`Segment.identity`), so that a
translated packet is still the same.  Pieces of what came as one, and what was put together of
pieces, count as passed on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from halfopen.pcap.packets import TCP, Segment

TOLERANCE_NS = 10_000_000
"""The clock is one, but a packet's time is taken a little before or after it is on its link."""


@dataclass(frozen=True)
class Observation:
    """A packet on one of a middlebox's links.

    Attributes:
        time_ns: when.
        segment: what it is.
        place: for whoever asks: the file, and the number of the frame in it.
    """

    time_ns: int
    segment: Segment
    place: tuple[str, int] = ("", 0)


@dataclass(frozen=True)
class Comparison:
    """What became of the packets at one middlebox; each list in order of time.

    Attributes:
        dropped: came, and were not passed on.
        injected: left, and had not come: the middlebox made them itself.
        copies: left once more than they had come.
    """

    dropped: list[Observation] = field(default_factory=list)
    injected: list[Observation] = field(default_factory=list)
    copies: list[Observation] = field(default_factory=list)


def compare(arrivals: Sequence[Observation], departures: Sequence[Observation]) -> Comparison:
    """What a middlebox did with what came to it.

    Args:
        arrivals: packets on its links that others sent.
        departures: packets on its links that it sent.
    """
    waiting: dict[tuple[int, ...], list[Observation]] = defaultdict(list)
    came: set[tuple[int, ...]] = set()
    for each in sorted(arrivals, key=_time):
        waiting[each.segment.identity].append(each)
        came.add(each.segment.identity)
    strange = []
    for departure in sorted(departures, key=_time):
        # Of equal packets (probes of IPv6 are) it is the latest that has come by then.
        same = waiting.get(departure.segment.identity, [])
        number = _latest(same, departure)
        if number is None:
            strange.append(departure)
        else:
            del same[number]
    left = sorted((each for same in waiting.values() for each in same), key=_time)
    passed = _in_other_pieces(left, strange)
    return Comparison(
        dropped=[each for each in left if id(each) not in passed],
        injected=[
            each for each in strange if id(each) not in passed and each.segment.identity not in came
        ],
        copies=[
            each for each in strange if id(each) not in passed and each.segment.identity in came
        ],
    )


def _time(observation: Observation) -> int:
    return observation.time_ns


def _latest(same: Sequence[Observation], departure: Observation) -> int | None:
    """The place of the latest of `same`, which is in order, that came before a departure."""
    for number in range(len(same) - 1, -1, -1):
        if same[number].time_ns <= departure.time_ns + TOLERANCE_NS:
            return number
    return None


def _in_other_pieces(left: Sequence[Observation], strange: Sequence[Observation]) -> set[int]:
    """`id` of what came and left in pieces of another size, on both sides.

    A card that cuts, or puts together, leaves sequence and acknowledgement numbers as they are.
    """
    by_ack: dict[int, list[Observation]] = defaultdict(list)
    for arrival in left:
        if arrival.segment.protocol == TCP and arrival.segment.size:
            by_ack[arrival.segment.ack].append(arrival)
    passed = set()
    for departure in strange:
        if not departure.segment.size:
            continue
        same = [
            each
            for each in by_ack.get(departure.segment.ack, ())
            if _overlap(each.segment, departure.segment)
        ]
        number = _latest(same, departure)
        if number is None:
            continue
        passed.add(id(departure))
        passed.add(id(same[number]))
        # What was put together: all that lies within it.
        passed.update(
            id(each) for each in same[:number] if _within(each.segment, departure.segment)
        )
    return passed


def _overlap(one: Segment, other: Segment) -> bool:
    """True if two segments have a byte in common; sequence numbers wrap around."""
    return _after(one.seq, other.seq) < one.size or _after(other.seq, one.seq) < other.size


def _within(inner: Segment, outer: Segment) -> bool:
    return _after(outer.seq, inner.seq) + inner.size <= outer.size


def _after(start: int, place: int) -> int:
    return (place - start) % (1 << 32)
