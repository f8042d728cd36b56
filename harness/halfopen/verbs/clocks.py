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
        to: seconds since midnight, local time, to which it is set forward first; None: it is not.
    """

    host: str
    by: float = 0.0
    to: float | None = None
