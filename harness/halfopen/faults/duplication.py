"""A part of the packets arrives twice."""

from __future__ import annotations

from halfopen.faults._impairments import ImpairParams, impair_fault
from halfopen.fields import Share


class DuplicationParams(ImpairParams):
    """Parameters of `duplication`.

    Attributes:
        share: of the packets, each by chance.
    """

    share: Share


FAULT = impair_fault(
    "duplication",
    "a middlebox passes a part of the packets on twice",
    DuplicationParams,
    how=lambda params: {"duplicate": params.share},
)
