"""The check `keepalive probes`."""

from __future__ import annotations

from halfopen.checkers._bounds import BoundedCheck, Figure, weigh
from halfopen.checkers._words import moment, unknown
from halfopen.fields import BoundField, Endpoint
from halfopen.model.history import History
from halfopen.model.records import KeepalivesRecord
from halfopen.model.verdict import Evidence
from halfopen.ports import Finding


class KeepaliveProbes(BoundedCheck):
    """Keepalive probes that a host's kernel has sent, to see that keepalive works at all.

    A probe is a segment without data.  Sysctls alone cause none: the kernel probes for a socket
    only if the program asked for it (SO_KEEPALIVE, socket(7)).

    Attributes:
        at: the host.
        count: probes of all its connections, over the whole run.
    """

    name = "keepalive probes"
    summary = "keepalive probes that a host's kernel sent"
    bounds = ("count",)

    at: Endpoint
    count: BoundField

    def judge(self, history: History) -> Finding:
        """Compare the kernel's own count over the whole run with the bound."""
        counts = [(r["t"], r["sent"]) for r in history.of(KeepalivesRecord, host=self.at)]
        if not counts:
            return unknown(self.asked, f"the probe counter of {self.at} was never read")
        weighed = weigh(history, (Figure("count", self.count, counts[-1][1]),))
        evidence = tuple(
            Evidence(t, f"{self.at} had sent {sent} by {moment(history, t)}")
            for t, sent in counts
            if sent
        )
        why = f"keepalive probes sent: {weighed.why}"
        return weighed.finding(why, evidence)
