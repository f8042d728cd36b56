"""Keepalive probes: how many a host's kernel has sent, to see that keepalive works at all.

A probe is a segment without data.  Who only sets sysctls sees none: the kernel probes for a socket
of which the program asked it (SO_KEEPALIVE, socket(7)).
"""

from __future__ import annotations

from halfopen.checkers._words import Figure, production, unknown, weigh
from halfopen.fields import BoundField, Section
from halfopen.model.history import History
from halfopen.model.verdict import Evidence
from halfopen.ports import CheckSpec, Finding


class Params(Section):
    """How many probes the connections of a host may send together."""

    at: str
    count: BoundField


def judge(history: History, params: Params) -> Finding:
    """Hold the kernel's own count, from the beginning of the run to its end, against the bound."""
    bound = f"count {params.count}"
    counts = [(float(r["t"]), int(r["sent"])) for r in history.of("keepalives", host=params.at)]
    if not counts:
        return unknown(bound, f"the kernel of {params.at} was never asked for its count of probes")
    weighed = weigh(history, (Figure("count", params.count, counts[-1][1]),))
    evidence = tuple(
        Evidence(t, f"{params.at} had sent {sent} by {production(history, t)}")
        for t, sent in counts
        if sent
    )
    why = f"keepalive probes sent: {weighed.why}"
    return Finding(weighed.verdict, weighed.observed, weighed.bound, why, evidence)


CHECK = CheckSpec(
    name="keepalive probes",
    summary="keepalive probes that a host's kernel has sent, which are segments without data",
    params=Params,
    judge=judge,
    hosts=lambda params: (params.at,),
)
