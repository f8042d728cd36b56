"""What a fault has touched: the difference between a fault that did something and one that did not.

A unit is a plural noun: packets, flows, connections, lookups, calls (of the kernel), bytes,
descriptors, processes; or, for a fault that changes a state, what has another state now: links,
routes, clocks, timeouts, servers (of a pool).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Touched:
    """What a verb has touched.

    Attributes:
        counts: unit -> how many.
        flows: names of the flows among them, as `client > server`, where they are known.
        goes_on: there may be more later: the lab can be asked.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    flows: tuple[str, ...] = ()
    goes_on: bool = False

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


NOTHING = Touched()
"""What nothing was touched by, or nothing yet."""


def of_flows(flows: list[str]) -> Touched:
    """Those flows."""
    return Touched({"flows": len(flows)}, tuple(flows))


def touched_from_json(data: Mapping[str, Any]) -> Touched:
    """What :meth:`Touched.to_json` wrote."""
    return Touched(dict(data["counts"]), tuple(data["flows"]), data["goes_on"])
