"""Spool: how much a host's programs keep on disk, to see what a queue writes there, and its limit.

The files are looked at four times a second: what lies there for less may be missed.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from halfopen.checkers._words import Figure, production, unknown, weigh
from halfopen.fields import BoundField, Section
from halfopen.model.history import History
from halfopen.model.verdict import Evidence
from halfopen.ports import CheckSpec, Finding


class Params(Section):
    """How many octets the programs of a host may keep in their spools."""

    at: str
    at_end: BoundField | None = None
    peak: BoundField | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.at_end is None and self.peak is None:
            raise ValueError("spool needs `at end` or `peak`")
        return self


def spool_series(history: History, host: str) -> list[tuple[float, int]]:
    """(t, octets in all spools of `host`) whenever that changed."""
    held: dict[str, int] = {}
    series = []
    for record in history.of("spool", host=host):
        held[str(record["path"])] = int(record["bytes"])
        series.append((float(record["t"]), sum(held.values())))
    return series


def judge(history: History, params: Params) -> Finding:
    """Hold the octets against the bounds."""
    bounds = (("at end", params.at_end), ("peak", params.peak))
    bound = ", ".join(f"{name} {value}" for name, value in bounds if value is not None)
    series = spool_series(history, params.at)
    if not series:
        return unknown(bound, f"no spool of {params.at} was ever looked at")
    t, peak = max(series, key=lambda each: each[1])
    weighed = weigh(
        history,
        (
            Figure("at end", params.at_end, series[-1][1], only_grows=False),
            Figure("peak", params.peak, peak),
        ),
    )
    evidence = (
        Evidence(t, f"{peak} octets at {params.at} at {production(history, t)}, the most"),
        Evidence(
            series[-1][0],
            f"{series[-1][1]} octets from {production(history, series[-1][0])} to the end",
        ),
    )
    why = f"octets on disk: {weighed.why}"
    return Finding(weighed.verdict, weighed.observed, weighed.bound, why, evidence)


CHECK = CheckSpec(
    name="spool",
    summary="octets that a host's programs keep on disk, as queues do: at the end, and at most",
    params=Params,
    judge=judge,
    hosts=lambda params: (params.at,),
)
