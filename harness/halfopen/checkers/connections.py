"""The check `connections`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from halfopen.checkers._bounds import AtEndAndPeak, Figure, peak_of, weigh
from halfopen.checkers._words import moment, unknown
from halfopen.fields import Bound, BoundField
from halfopen.model.flows import Flow, Interval, flows, sampled_hosts
from halfopen.model.history import History
from halfopen.model.records import UnsampledRecord
from halfopen.model.verdict import Evidence
from halfopen.ports import Finding

_EXCERPTS = 5


class Connections(AtEndAndPeak):
    """How many ESTABLISHED connections with other hosts a host has.

    What is opened and closed between two samples counts, too: the kernel reports the end of every
    socket. Where it does not tell whether a socket was connected (a program aborted it, or could
    not connect), and where ends were not reported, a bound that this could decide is *unknown*.

    Attributes:
        at: the host.
        opened: connections over the whole run, each counted once, whatever its ports.
        at_end: connections at the end of the run.
        peak: connections at the same time.
    """

    name = "connections"
    summary = "how many ESTABLISHED connections a host saw, over the run and at its end"
    bounds = ("opened", "at_end", "peak")

    opened: BoundField | None = None

    def judge(self, history: History) -> Finding:
        """Count ESTABLISHED connections with other hosts."""
        if missing := sorted(set(self.counted) - sampled_hosts(history)):
            return unknown(self.asked, f"no socket of {missing[0]} was ever sampled")
        known = flows(history)
        found = [each for host in self.counted for each in established_at(known, host)]
        unsampled = _Unsampled.of(history, self.counted)
        changes = [(interval.start, 1) for _, interval in found]
        changes += [(interval.end, -1) for _, interval in found if interval.ended]
        opened, peak = len(found) + unsampled.count, peak_of(changes)[0]
        at_end = sum(not interval.ended for _, interval in found)
        weighed = weigh(
            history,
            (
                Figure("opened", self.opened, opened),
                Figure("at end", self.at_end, at_end, only_grows=False),
                Figure("peak", self.peak, peak),
            ),
        )
        evidence = (
            *(
                Evidence(
                    interval.start,
                    f"{flow.name} ESTABLISHED from {moment(history, interval.start)} to "
                    + (moment(history, interval.end) if interval.ended else "the end"),
                    flow.name,
                )
                for flow, interval in found
            ),
            *(_missed(record) for record in unsampled.records if record["connections"]),
        )
        why = f"connections: {weighed.why}"
        if unsampled.count:
            why += f"; {unsampled.count} of them opened and closed between two samples"
        at_once = peak_of([*changes, *unsampled.changes(history.sample_s)])[0]
        open_questions = (
            ("opened", self.opened, opened, opened + unsampled.perhaps),
            ("peak", self.peak, peak, max(peak, at_once)),
        )
        for name, bound, least, most in open_questions:
            if history.complete and bound is not None and not _decided(bound, least, most):
                return unknown(
                    self.asked, f"{why}; {name} {_more(least, most)}: {unsampled.reason}", evidence
                )
        return weighed.finding(why, evidence)


@dataclass(frozen=True)
class _Unsampled:
    """Connections of hosts that no sample shows.

    Attributes:
        records: about them.
        followed: whether the ends of all sockets of the hosts were reported.
    """

    records: Sequence[UnsampledRecord]
    followed: bool

    @classmethod
    def of(cls, history: History, hosts: Sequence[str]) -> _Unsampled:
        """What a history says of them."""
        records = [each for each in history.of(UnsampledRecord) if each["host"] in hosts]
        lost = any(record.get("lost") for record in records)
        told = {record["host"] for record in records}
        return cls(records, told == set(hosts) and not lost)

    @property
    def count(self) -> int:
        """How many there were for certain."""
        return sum(len(record["connections"]) for record in self.records)

    @property
    def perhaps(self) -> float:
        """How many more there may have been."""
        if not self.followed:
            return inf
        return sum(record.get("perhaps", 0) for record in self.records)

    def changes(self, sample_s: float) -> list[tuple[float, int]]:
        """As if each had lasted from one sample to the next: they may have been open at once."""
        found = []
        for record in self.records:
            number = len(record["connections"]) + record.get("perhaps", 0)
            found += [(record["t"] - sample_s, 1), (record["t"], -1)] * number
        return found

    @property
    def reason(self) -> str:
        """Why it is not known exactly."""
        if not self.followed:
            return "what is opened and closed between two samples was not recorded"
        return "what was opened and closed between two samples is not known exactly"


def _decided(bound: Bound, least: float, most: float) -> bool:
    """True if a bound says the same of every number from `least` to `most`."""
    if bound.relation == "exactly":
        return least == most or not least <= bound.number <= most
    return bound.holds(least) == bound.holds(most)


def _more(least: float, most: float) -> str:
    return f"at least {least:g}" if most == inf else f"{least:g} to {most:g}"


def _missed(record: UnsampledRecord) -> Evidence:
    found = record["connections"]
    shown = ", ".join(f"{local} with {peer}" for local, peer in found[:_EXCERPTS])
    more = f" and {len(found) - _EXCERPTS} more" if len(found) > _EXCERPTS else ""
    return Evidence(record["t"], f"opened and closed between two samples: {shown}{more}")


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
