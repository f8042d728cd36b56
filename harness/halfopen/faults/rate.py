"""A narrow line: so much gets through in a second, what comes faster waits, or finds no room."""

from __future__ import annotations

from pydantic import Field

from halfopen.faults._impairments import ImpairParams, impair_fault
from halfopen.faults._quantities import Rate


class RateParams(ImpairParams):
    """Parameters of `rate`.

    Attributes:
        limit: what gets through in a second, IP headers counted, in each direction that is meant.
        backlog: packets that may wait; what comes when so many do is dropped.
    """

    limit: Rate
    backlog: int = Field(default=1000, ge=0, le=1_000_000)


FAULT = impair_fault(
    "rate",
    "only so much gets through a middlebox in a second; the rest waits, or is dropped",
    RateParams,
    how=lambda params: {"rate": params.limit, "backlog": params.backlog},
)
