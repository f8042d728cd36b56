"""The fault `reordering`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from halfopen.faults._impairments import ImpairFault
from halfopen.fields import RealTime, Share


class Reordering(ImpairFault):
    """Some packets overtake those before them, as where a path is several lines.

    Attributes:
        share: of the packets that overtake, each by chance: they do not wait.
        by: how long the others wait; real time.
    """

    name = "reordering"
    summary = "some packets overtake earlier ones at a middlebox"

    share: Share
    by: RealTime

    def impairment(self) -> Mapping[str, Any]:
        """All wait, but those that overtake."""
        return {"delay": self.by, "reorder": self.share}
