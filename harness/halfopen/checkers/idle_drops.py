"""The check `idle drops`."""

from __future__ import annotations

from halfopen.checkers._bounds import BoundedCheck, Figure, weigh
from halfopen.checkers._words import production, unknown
from halfopen.fields import BoundField, MiddleboxHost
from halfopen.model.flows import flows
from halfopen.model.history import History
from halfopen.model.records import ConntrackRecord, FlowRecord
from halfopen.model.verdict import Evidence
from halfopen.ports import Finding


class IdleDrops(BoundedCheck):
    """How often a middlebox forgot an established flow because it was silent.

    Flows that were being closed do not count.

    Attributes:
        at: the middlebox.
        count: flows that expired.
    """

    name = "idle drops"
    summary = "how often a middlebox forgot an established flow because it was silent"
    bounds = ("count",)

    at: MiddleboxHost
    count: BoundField

    def judge(self, history: History) -> Finding:
        """Count the entries that expired; those of flows that were being closed do not count."""
        if not history.of(FlowRecord, host=self.at) and not history.of(
            ConntrackRecord, host=self.at
        ):
            return unknown(self.asked, f"nothing is known of the table of {self.at}")
        ended = [
            (flow, entry)
            for flow in flows(history)
            for entry in flow.entries
            if entry.host == self.at and entry.stretch.ended
        ]
        expired = [
            (flow, entry)
            for flow, entry in ended
            if entry.cause == "expired" and entry.state in ("", "ESTABLISHED")
        ]
        unclear = [entry for _, entry in ended if entry.cause is None]
        if unclear:
            return unknown(
                self.asked, f"{len(unclear)} entries of {self.at} went without a known cause"
            )
        evidence = []
        for flow, entry in expired:
            lived = production(history, entry.stretch.length)
            text = f"{self.at} forgot {flow.name} after silence; it had known it for {lived}"
            evidence.append(Evidence(entry.stretch.end, text, flow.name))
        weighed = weigh(history, [Figure("count", self.count, len(expired))])
        why = f"established flows that expired: {weighed.why}"
        return weighed.finding(why, evidence)
