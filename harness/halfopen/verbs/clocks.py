"""What can be done to the clocks of a host."""

from __future__ import annotations

from dataclasses import dataclass

from halfopen.verbs.base import Verb


@dataclass(frozen=True)
class StepClock(Verb):
    """CLOCK_REALTIME of the programs on `host` is set; CLOCK_MONOTONIC goes on as it was.

    Attributes:
        host: whose.
        by: lab seconds, on top of the steps before; negative: back.
    """

    host: str
    by: float
