"""Figures: what a program counts of itself; of rsyslog its impstats, option `impstats`."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from halfopen.checkers._words import Figure, production, unknown, weigh
from halfopen.fields import BoundField, Section
from halfopen.model.history import History
from halfopen.model.verdict import Evidence
from halfopen.ports import CheckSpec, Finding


class Params(Section):
    """What one of a host's own figures may come to.

    Attributes:
        at: the host.
        of: the set of figures, as the program names it: `forward-0`, `main Q`.
        figure: its name in the set: `processed`, `discarded.nf`.
        at_end: what it last said.
        peak: the most that it ever said.
    """

    at: str
    of: str
    figure: str
    at_end: BoundField | None = None
    peak: BoundField | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.at_end is None and self.peak is None:
            raise ValueError("figures needs `at end` or `peak`")
        return self


def judge(history: History, params: Params) -> Finding:
    """Hold the last, and the greatest, of what was said against the bounds."""
    bounds = (("at end", params.at_end), ("peak", params.peak))
    bound = ", ".join(f"{name} {value}" for name, value in bounds if value is not None)
    records = history.of("impstats", host=params.at)
    if not records:
        why = f"{params.at} says no figures of its own (of rsyslog: set `impstats`)"
        return unknown(bound, why)
    mine = [record for record in records if record["name"] == params.of]
    if not mine:
        names = ", ".join(sorted({str(record["name"]) for record in records}))
        return unknown(bound, f"{params.at} has no set {params.of!r}; it has {names}")
    series = [
        (float(record["t"]), int(record["values"][params.figure]))
        for record in mine
        if params.figure in record["values"]
    ]
    if not series:
        names = ", ".join(sorted({str(name) for record in mine for name in record["values"]}))
        return unknown(bound, f"{params.of} has no figure {params.figure!r}; it has {names}")
    weighed = weigh(
        history,
        (
            Figure("at end", params.at_end, series[-1][1], only_grows=False),
            Figure("peak", params.peak, max(value for _, value in series)),
        ),
    )
    evidence = tuple(
        Evidence(t, f"{params.of} says {params.figure} {value} at {production(history, t)}")
        for (t, value), before in zip(series, [None, *series], strict=False)
        if before is None or before[1] != value
    )
    why = f"{params.figure} of {params.of}: {weighed.why}"
    return Finding(weighed.verdict, weighed.observed, weighed.bound, why, evidence)


CHECK = CheckSpec(
    name="figures",
    summary="what a host's program counts of itself (rsyslog's impstats)",
    params=Params,
    judge=judge,
    hosts=lambda params: (params.at,),
)
