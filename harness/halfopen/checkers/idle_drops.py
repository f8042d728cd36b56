"""Idle drops: how often a middlebox forgot an established flow because it was silent."""

from __future__ import annotations

from halfopen.checkers._words import Figure, production, unknown, weigh
from halfopen.fields import BoundField, Section
from halfopen.model.flows import flows
from halfopen.model.history import History
from halfopen.model.verdict import Evidence
from halfopen.ports import CheckSpec, Finding


class Params(Section):
    """How many established flows a middlebox may let expire."""

    at: str
    count: BoundField


def judge(history: History, params: Params) -> Finding:
    """Count the entries that expired; those of flows that were being closed do not count."""
    bound = f"count {params.count}"
    if not history.of("flow", host=params.at) and not history.of("conntrack", host=params.at):
        return unknown(bound, f"nothing is known of the table of {params.at}")
    ended = [
        (flow, entry)
        for flow in flows(history)
        for entry in flow.entries
        if entry.host == params.at and entry.stretch.ended
    ]
    expired = [
        (flow, entry)
        for flow, entry in ended
        if entry.cause == "expired" and entry.state in ("", "ESTABLISHED")
    ]
    unclear = [entry for _, entry in ended if entry.cause is None]
    if unclear:
        return unknown(bound, f"{len(unclear)} entries of {params.at} went without a known cause")
    evidence = []
    for flow, entry in expired:
        lived = production(history, entry.stretch.length)
        text = f"{params.at} forgot {flow.name} after silence; it had known it for {lived}"
        evidence.append(Evidence(entry.stretch.end, text, flow.name))
    weighed = weigh(history, [Figure("count", params.count, len(expired))])
    why = f"established flows that expired: {weighed.why}"
    return Finding(weighed.verdict, weighed.observed, weighed.bound, why, tuple(evidence))


CHECK = CheckSpec(
    name="idle drops",
    summary="how often a middlebox forgot an established flow because it was silent",
    params=Params,
    judge=judge,
    hosts=lambda params: (params.at,),
    silent=True,
)
