"""The fault `delay`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from halfopen.faults._impairments import ImpairFault
from halfopen.fields import RealTime


class Delay(ImpairFault):
    """Every packet is delayed, as on a long line; in real time, since round trips do not scale.

    Attributes:
        by: how long each packet waits, in each affected direction; real time.
    """

    name = "delay"
    summary = "a middlebox delays every packet, like a long line"

    by: RealTime

    def impairment(self) -> Mapping[str, Any]:
        """Wait."""
        return {"delay": self.by}
