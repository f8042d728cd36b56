"""The comparisons, by name: what of ours against what of theirs, and what the goal is."""

from __future__ import annotations

from dataclasses import dataclass

from bench.subjects import Subject, relpio, rsyslog


@dataclass(frozen=True)
class Comparison:
    """Two subjects with the same task.

    Attributes:
        goal: times that ours is to be faster.
        our_messages, their_messages: of a run; so many that starting up is a small part of it.
    """

    name: str
    goal: float
    ours: Subject
    theirs: Subject
    our_messages: int
    their_messages: int


_ALL = (
    Comparison(
        "relp-throughput",
        goal=3.0,
        ours=relpio(),
        # Direct action queue, window 1000: the fastest of the settings that we tried.
        theirs=rsyslog(action='windowSize="1000"'),
        our_messages=1_000_000,
        their_messages=300_000,
    ),
)

COMPARISONS = {comparison.name: comparison for comparison in _ALL}
