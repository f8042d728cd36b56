"""The check `connections`."""

from __future__ import annotations

from halfopen.checkers._bounds import AtEndAndPeak, Figure, peak_of, weigh
from halfopen.checkers._words import production, unknown
from halfopen.fields import BoundField
from halfopen.model.flows import Flow, Stretch, flows, sampled_hosts
from halfopen.model.history import History
from halfopen.model.verdict import Evidence
from halfopen.ports import Finding


class Connections(AtEndAndPeak):
    """How many ESTABLISHED connections with other hosts a host has.

    Two connections differ if one of their addresses or ports does.

    Attributes:
        at: the host.
        opened: connections over the whole run.
        at_end: connections at the end of the run.
        peak: connections at the same time.
    """

    name = "connections"
    summary = "how many ESTABLISHED connections a host saw, over the run and at its end"
    bounds = ("opened", "at_end", "peak")

    opened: BoundField | None = None

    def judge(self, history: History) -> Finding:
        """Count distinct ESTABLISHED connections (by both addresses) with other hosts."""
        if self.at not in sampled_hosts(history):
            return unknown(self.asked, f"no socket of {self.at} was ever sampled")
        found = established_at(flows(history), self.at)
        changes = [(stretch.start, 1) for _, stretch in found]
        changes += [(stretch.end, -1) for _, stretch in found if stretch.ended]
        weighed = weigh(
            history,
            (
                Figure("opened", self.opened, len({flow.name for flow, _ in found})),
                Figure(
                    "at end",
                    self.at_end,
                    sum(not stretch.ended for _, stretch in found),
                    only_grows=False,
                ),
                Figure("peak", self.peak, peak_of(changes)[0]),
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
        return weighed.finding(why, evidence)


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
