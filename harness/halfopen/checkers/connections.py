"""The check `connections`."""

from __future__ import annotations

from halfopen.checkers._bounds import AtEndAndPeak, Figure, peak_of, weigh
from halfopen.checkers._words import moment, unknown
from halfopen.fields import BoundField
from halfopen.model.flows import Flow, Interval, flows, sampled_hosts
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
        changes = [(interval.start, 1) for _, interval in found]
        changes += [(interval.end, -1) for _, interval in found if interval.ended]
        weighed = weigh(
            history,
            (
                Figure("opened", self.opened, len({flow.name for flow, _ in found})),
                Figure(
                    "at end",
                    self.at_end,
                    sum(not interval.ended for _, interval in found),
                    only_grows=False,
                ),
                Figure("peak", self.peak, peak_of(changes)[0]),
            ),
        )
        evidence = tuple(
            Evidence(
                interval.start,
                f"{flow.name} ESTABLISHED from {moment(history, interval.start)} to "
                + (moment(history, interval.end) if interval.ended else "the end"),
                flow.name,
            )
            for flow, interval in found
        )
        why = f"connections: {weighed.why}"
        return weighed.finding(why, evidence)


def established_at(known: list[Flow], host: str) -> list[tuple[Flow, Interval]]:
    """When each flow was ESTABLISHED at `host`, in order of time."""
    found = [
        (flow, interval)
        for flow in known
        for lifetime in (*flow.client_sockets, *flow.server_sockets)
        if lifetime.host == host
        for interval in lifetime.established
    ]
    return sorted(found, key=lambda each: each[1].start)
