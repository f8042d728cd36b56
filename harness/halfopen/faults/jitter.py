"""Packets wait, one longer than another, and keep their order, as behind a line that is shared."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from halfopen.faults._impairments import ImpairParams, impair_fault
from halfopen.faults._quantities import RealTime


class JitterParams(ImpairParams):
    """Parameters of `jitter`.

    Attributes:
        around: that a packet waits in the mean; real time.
        by: that it waits at most longer, or less long, by chance; not more than `around`.
    """

    around: RealTime
    by: RealTime

    @model_validator(mode="after")
    def _not_before_it_came(self) -> Self:
        if self.by > self.around:
            raise ValueError(
                "'by' is more than 'around': a packet cannot go on before it came; "
                "write for example around: 100 ms, by: 80 ms"
            )
        return self


FAULT = impair_fault(
    "jitter",
    "packets wait at a middlebox, one longer than another, and keep their order",
    JitterParams,
    how=lambda params: {"delay": params.around, "jitter": params.by},
)
