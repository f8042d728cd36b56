"""A timer of a variant, and the order of two."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a timer belongs to."""

    STEP = "step"
    MIDDLEBOX = "middlebox"
    SYSTEM = "system"
    BOUND = "bound"
    KERNEL = "kernel"


@dataclass(frozen=True)
class Clock:
    """A timer of a variant.

    Attributes:
        kind: what it belongs to.
        host: of which host; empty for steps and bounds.
        name: for people.
        measures: silence, age, answer, outage or retry; only the like is compared.
        seconds: when it fires at the earliest.
        late: seconds that it may be late.
        line: in the scenario file.
    """

    kind: Kind
    host: str
    name: str
    measures: str
    seconds: float
    late: float
    line: int

    @property
    def end(self) -> float:
        """When it fires at the latest."""
        return self.seconds + self.late


def relation(a: Clock, b: Clock) -> str:
    """Which of two timers comes first: `before`, `after` or, within their lateness, `overlap`."""
    if a.end < b.seconds:
        return "before"
    return "after" if b.end < a.seconds else "overlap"
