"""The fault `rate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from halfopen.faults._impairments import ImpairFault
from halfopen.fields import Rate as BytesPerSecond


class Rate(ImpairFault):
    """A narrow line: a limited amount gets through per second, the rest waits or is dropped.

    Attributes:
        limit: what gets through in a second, IP headers counted, in each affected direction.
        backlog: packets that may wait; a packet that comes when the backlog is full is dropped.
    """

    name = "rate"
    summary = "a middlebox limits throughput; excess packets wait, or are dropped"

    limit: BytesPerSecond
    backlog: int = Field(default=1000, ge=0, le=1_000_000)

    def impairment(self) -> Mapping[str, Any]:
        """Wait for the rate."""
        return {"rate": self.limit, "backlog": self.backlog}
