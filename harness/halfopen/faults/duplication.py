"""The fault `duplication`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from halfopen.faults._impairments import ImpairFault
from halfopen.fields import Share


class Duplication(ImpairFault):
    """Some packets arrive twice.

    Attributes:
        share: of the packets, each by chance.
    """

    name = "duplication"
    summary = "a middlebox forwards some packets twice"

    share: Share

    def impairment(self) -> Mapping[str, Any]:
        """Forward twice."""
        return {"duplicate": self.share}
