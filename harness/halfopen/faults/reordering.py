"""Some packets overtake those before them, as where a path is several lines."""

from __future__ import annotations

from halfopen.faults._impairments import ImpairParams, impair_fault
from halfopen.faults._quantities import RealTime
from halfopen.fields import Share


class ReorderingParams(ImpairParams):
    """Parameters of `reordering`.

    Attributes:
        share: of the packets that overtake, each by chance: they do not wait.
        by: that the others wait; real time.
    """

    share: Share
    by: RealTime


FAULT = impair_fault(
    "reordering",
    "a part of the packets overtakes those before them at a middlebox",
    ReorderingParams,
    how=lambda params: {"delay": params.by, "reorder": params.share},
)
