"""The fault `clock step`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import model_validator

from halfopen.faults._programs import EndpointFault
from halfopen.fields import Shift, TimeOfDay
from halfopen.verbs import StepClock, Verb


class ClockStep(EndpointFault):
    """The clock of a host is set, forward or back, while its programs run.

    CLOCK_REALTIME steps, as with settimeofday(2); CLOCK_MONOTONIC goes on, as it does then
    (clock_gettime(2)).  A program that measures timeouts by the former gives up too early or never.

    Attributes:
        at: the endpoint whose clock it is.
        by: forward, or back with a minus; on top of steps before.
        to: forward to this time of the day, as `07:59:30`, of the host's own time zone.
    """

    name = "clock step"
    summary = "the clock (CLOCK_REALTIME) of a host is set forward or back while its programs run"
    uses = (StepClock,)
    touches = ("clocks",)

    by: Shift | None = None
    to: TimeOfDay | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.by is None) == (self.to is None):
            raise ValueError("a clock step is `by` an amount, or `to` a time of day: write one")
        return self

    def verbs(self) -> Sequence[Verb]:
        """One step."""
        return (StepClock(self.at, self.by or 0.0, self.to),)
