"""Connections: how many ESTABLISHED ones a host saw, over the run and at its end."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from halfopen.checkers._words import Figure, peak_of, production, unknown, weigh
from halfopen.fields import BoundField, Section
from halfopen.model.flows import Flow, Stretch, flows, sampled_hosts
from halfopen.model.history import History
from halfopen.model.verdict import Evidence
from halfopen.ports import CheckSpec, Finding


class Params(Section):
    """How many connections a host may open, hold at the end, and hold at once."""

    at: str
    opened: BoundField | None = None
    at_end: BoundField | None = None
    peak: BoundField | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.opened is None and self.at_end is None and self.peak is None:
            raise ValueError("connections needs `opened`, `at end` or `peak`")
        return self


def established_at(known: list[Flow], host: str) -> list[tuple[Flow, Stretch]]:
    """When each flow was ESTABLISHED at `host`, in order of time."""
    found = [
        (flow, stretch)
        for flow in known
        for presence in (*flow.client_sockets, *flow.server_sockets)
        if presence.host == host
        for stretch in presence.established
    ]
    return sorted(found, key=lambda each: each[1].start)


def judge(history: History, params: Params) -> Finding:
    """Count distinct ESTABLISHED connections (by both addresses) with other hosts."""
    names = (("opened", params.opened), ("at end", params.at_end), ("peak", params.peak))
    bound = ", ".join(f"{name} {value}" for name, value in names if value is not None)
    if params.at not in sampled_hosts(history):
        return unknown(bound, f"no socket of {params.at} was ever sampled")
    found = established_at(flows(history), params.at)
    changes = [(stretch.start, 1) for _, stretch in found]
    changes += [(stretch.end, -1) for _, stretch in found if stretch.ended]
    weighed = weigh(
        history,
        (
            Figure("opened", params.opened, len({flow.name for flow, _ in found})),
            Figure(
                "at end",
                params.at_end,
                sum(not stretch.ended for _, stretch in found),
                only_grows=False,
            ),
            Figure("peak", params.peak, peak_of(changes)[0]),
        ),
    )
    evidence = tuple(
        Evidence(
            stretch.start,
            f"{flow.name} ESTABLISHED from {production(history, stretch.start)} to "
            + (production(history, stretch.end) if stretch.ended else "the end"),
            flow.name,
        )
        for flow, stretch in found
    )
    why = f"connections: {weighed.why}"
    return Finding(weighed.verdict, weighed.observed, weighed.bound, why, evidence)


CHECK = CheckSpec(
    name="connections",
    summary="how many ESTABLISHED connections a host saw, over the run and at its end",
    params=Params,
    judge=judge,
    hosts=lambda params: (params.at,),
)
