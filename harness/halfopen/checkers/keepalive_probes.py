"""The check `keepalive probes`."""

from __future__ import annotations

from halfopen.checkers._bounds import AtOneOrTogether, Figure, weigh
from halfopen.checkers._words import moment, unknown, unseen
from halfopen.fields import BoundField
from halfopen.model.history import History
from halfopen.model.records import KeepalivesRecord
from halfopen.model.verdict import Evidence
from halfopen.ports import Finding


class KeepaliveProbes(AtOneOrTogether):
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

    count: BoundField

    def judge(self, history: History) -> Finding:
        """Compare the kernel's own count over the whole run with the bound."""
        records = history.of(KeepalivesRecord)
        if missing := unseen(self.counted, records):
            return unknown(self.asked, f"the probe counter of {missing} was never read")
        counts = [(r["t"], r["host"], r["sent"]) for r in records if r["host"] in self.counted]
        total = sum({host: sent for _, host, sent in counts}.values())
        weighed = weigh(history, (Figure("count", self.count, total),))
        evidence = tuple(
            Evidence(t, f"{host} had sent {sent} by {moment(history, t)}")
            for t, host, sent in counts
            if sent
        )
        why = f"keepalive probes sent: {weighed.why}"
        return weighed.finding(why, evidence)
