"""Every packet waits, as on a long line; real time, since round trips do not scale."""

from __future__ import annotations

from halfopen.faults._impairments import ImpairParams, impair_fault
from halfopen.faults._quantities import RealTime


class DelayParams(ImpairParams):
    """Parameters of `delay`.

    Attributes:
        by: that each packet waits, in each direction that is meant; real time.
    """

    by: RealTime


FAULT = impair_fault(
    "delay",
    "every packet waits at a middlebox, as on a long line",
    DelayParams,
    how=lambda params: {"delay": params.by},
)
