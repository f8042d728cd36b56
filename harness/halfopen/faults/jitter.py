"""The fault `jitter`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import model_validator

from halfopen.faults._impairments import ImpairFault
from halfopen.fields import RealTime


class Jitter(ImpairFault):
    """Packets wait, some longer than others, and keep their order, as behind a shared line.

    Attributes:
        around: how long a packet waits on average; real time.
        by: how much longer, or less long, it waits at most, by chance; not more than `around`.
    """

    name = "jitter"
    summary = "a middlebox delays packets by varying times; they keep their order"

    around: RealTime
    by: RealTime

    @model_validator(mode="after")
    def _not_before_it_came(self) -> Self:
        if self.by > self.around:
            raise ValueError(
                "'by' is more than 'around': a packet cannot leave before it arrives; "
                "write for example around: 100 ms, by: 80 ms"
            )
        return self

    def impairment(self) -> Mapping[str, Any]:
        """Wait, more or less."""
        return {"delay": self.around, "jitter": self.by}
