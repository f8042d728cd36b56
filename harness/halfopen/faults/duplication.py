"""The fault `duplication`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from halfopen.faults._impairments import ImpairFault
from halfopen.fields import Share


class Duplication(ImpairFault):
    """A part of the packets arrives twice.

    Attributes:
        share: of the packets, each by chance.
    """

    name = "duplication"
    summary = "a middlebox forwards a part of the packets twice"

    share: Share

    def impairment(self) -> Mapping[str, Any]:
        """Forward twice."""
        return {"duplicate": self.share}
