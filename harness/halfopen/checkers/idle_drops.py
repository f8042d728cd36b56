"""The check `idle drops`."""

from __future__ import annotations

from halfopen.checkers._bounds import BoundedCheck, Figure, weigh
from halfopen.checkers._words import production, unknown
from halfopen.fields import BoundField, MiddleboxHost
from halfopen.model.flows import Entry, Flow, flows
from halfopen.model.history import History
from halfopen.model.records import ConntrackRecord, FlowRecord
from halfopen.model.verdict import Evidence
from halfopen.ports import Finding

# As conntrack names them: one side has sent a FIN, the other one not yet.
_HALF_CLOSED = ("FIN_WAIT", "CLOSE_WAIT")


class IdleDrops(BoundedCheck):
    """How often a middlebox forgot a flow that was still in use because it was silent.

    Established flows count, and half-closed ones (one side has sent a FIN) as long as a program on
    either side still holds its socket.  Flows that both sides have closed do not count.

    Attributes:
        at: the middlebox.
        count: flows that expired.
    """

    name = "idle drops"
    summary = "flows in use that a middlebox dropped because they were idle"
    bounds = ("count",)

    at: MiddleboxHost
    count: BoundField

    def judge(self, history: History) -> Finding:
        """Count the entries that expired while their flow was in use."""
        if not history.of(FlowRecord, host=self.at) and not history.of(
            ConntrackRecord, host=self.at
        ):
            return unknown(self.asked, f"the flow table of {self.at} was never recorded")
        ended = [
            (flow, entry)
            for flow in flows(history)
            for entry in flow.entries
            if entry.host == self.at and entry.interval.ended
        ]
        expired = [(flow, entry) for flow, entry in ended if _was_in_use(flow, entry)]
        unclear = [entry for _, entry in ended if entry.cause is None]
        if unclear:
            return unknown(
                self.asked,
                f"of {self.at}'s entries, {len(unclear)} disappeared without a known cause",
            )
        evidence = []
        for flow, entry in expired:
            lived = production(history, entry.interval.length)
            kind = f" ({entry.state}: half-closed)" if entry.state in _HALF_CLOSED else ""
            text = f"{self.at} dropped {flow.name}{kind} as idle; the entry was {lived} old"
            evidence.append(Evidence(entry.interval.end, text, flow.name))
        weighed = weigh(history, [Figure("count", self.count, len(expired))])
        why = f"flows in use that expired: {weighed.why}"
        return weighed.finding(why, evidence)


def _was_in_use(flow: Flow, entry: Entry) -> bool:
    """Whether the entry expired while one side at least could still use the flow."""
    # Engines call a half-closed entry closed, whoever is still there.
    if entry.state in _HALF_CLOSED and entry.cause in ("expired", "closed"):
        end = entry.interval.end
        return any(
            interval.start <= end < interval.end or (interval.start <= end and not interval.ended)
            for lifetime in (*flow.client_sockets, *flow.server_sockets)
            for interval in lifetime.connected
        )
    return entry.cause == "expired" and entry.state in ("", "ESTABLISHED")
