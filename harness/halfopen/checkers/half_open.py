"""Half-open connections: ESTABLISHED here, gone on the other side."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from halfopen.checkers._words import Figure, peak_of, production, say, unknown, weigh
from halfopen.fields import BoundField, Section
from halfopen.model.flows import HalfOpen, flows, half_open, sampled_hosts
from halfopen.model.history import History
from halfopen.model.verdict import Evidence
from halfopen.ports import CheckSpec, Finding


class Params(Section):
    """How many connections may be half-open at one host."""

    at: str
    at_end: BoundField | None = None
    peak: BoundField | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.at_end is None and self.peak is None:
            raise ValueError("half-open needs `at end` or `peak`")
        return self


def judge(history: History, params: Params) -> Finding:
    """Count the sockets at a host that are ESTABLISHED while their peer has none that lives."""
    bounds = (("at end", params.at_end), ("peak", params.peak))
    bound = ", ".join(f"{name} {value}" for name, value in bounds if value is not None)
    missing = unsampled(history, params.at)
    if missing:
        return unknown(bound, missing)
    known = flows(history)
    found = [each for each in half_open(history, known) if each.socket.host == params.at]
    at_end = [each for each in found if not each.stretch.ended]
    perhaps = [
        each
        for each in half_open(history, known, certain=False)
        if each.socket.host == params.at and not each.stretch.ended
    ]
    changes = [(e.stretch.start, 1) for e in found]
    changes += [(e.stretch.end, -1) for e in found if e.stretch.ended]
    peak, peak_t = peak_of(changes)
    weighed = weigh(
        history,
        (
            Figure("at end", params.at_end, len(at_end), only_grows=False),
            Figure("peak", params.peak, peak),
        ),
    )
    evidence = [_evidence(history, each) for each in found]
    if params.peak is not None and peak:
        evidence.append(
            Evidence(peak_t, f"{peak} half-open at once from {production(history, peak_t)} on")
        )
    why = f"half-open connections: {weighed.why}"
    young = len(perhaps) - len(at_end)
    if (
        params.at_end is not None
        and len({params.at_end.holds(len(at_end) + more) for more in range(young + 1)}) > 1
    ):
        why += f"; {young} more may have become so in the last moment: too young to tell"
        return unknown(weighed.bound, why)
    return Finding(weighed.verdict, weighed.observed, weighed.bound, why, tuple(evidence))


def unsampled(history: History, at: str) -> str:
    """Which socket samples are missing to join the flows of host `at`; empty if none are."""
    sampled = sampled_hosts(history)
    endpoints = {str(h["name"]) for h in history.plan["hosts"] if h.get("profile") is None}
    if at not in sampled:
        return f"no socket of {at} was ever sampled"
    if missing := sorted(endpoints - sampled):
        return f"no socket of {', '.join(missing)} was ever sampled: the peers are not known"
    return ""


def _evidence(history: History, each: HalfOpen) -> Evidence:
    socket = each.socket.at(each.stretch.end)
    heard = each.socket.last_heard(each.stretch.end)
    parts = [f"{socket.local} has no live peer at {socket.peer}"]
    length = say(history, each.stretch.length)
    parts.append(f"for {length}" + (" until it was gone" if each.stretch.ended else " to the end"))
    if heard is not None:
        parts.append(f"last heard at {production(history, max(0.0, heard))}")
    if each.stretch.ended:
        pass
    elif socket.timer == "off":
        parts.append("no timer runs: nothing will ever end it")
    else:
        parts.append(f"{socket.timer} timer, next in {production(history, socket.timer_s)}")
    return Evidence(each.stretch.start, "; ".join(parts), each.flow.name)


CHECK = CheckSpec(
    name="half-open",
    summary="connections that one side still believes in after the other side has gone",
    params=Params,
    judge=judge,
    hosts=lambda params: (params.at,),
    silent=True,
)
