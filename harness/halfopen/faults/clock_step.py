"""The clock of a host is set, forward or back, while its programs run.

CLOCK_REALTIME steps, as with settimeofday(2); CLOCK_MONOTONIC goes on, as it does then
(clock_gettime(2)).  A program that measures time-outs by the former gives up too early or never.
"""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, model_validator

from halfopen.faults._program import ProgramParams, endpoint_fault
from halfopen.faults._quantities import Shift, TimeOfDay
from halfopen.verbs import StepClock


class ClockStepParams(ProgramParams):
    """Parameters of `clock step`.

    Attributes:
        at: the endpoint whose clock it is.
        by: forward, or back with a minus; on top of steps before.
        to: forward to this time of the day, as `07:59:30`, of the host's own time zone.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"at": "sender", "by": "-1 h"}]})

    by: Shift | None = None
    to: TimeOfDay | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.by is None) == (self.to is None):
            raise ValueError("a clock step is `by` an amount, or `to` a time of day: write one")
        return self


FAULT = endpoint_fault(
    "clock step",
    "the clock (CLOCK_REALTIME) of a host is set forward or back while its programs run",
    ClockStepParams,
    verbs=lambda params: (StepClock(params.at, params.by or 0.0, params.to),),
)
