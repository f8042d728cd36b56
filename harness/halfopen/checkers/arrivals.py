"""The check `arrivals`."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from halfopen.checkers._bounds import BoundedCheck
from halfopen.checkers._ledger import read_ledger
from halfopen.checkers._words import cut_short, late, moment, production, say, unknown
from halfopen.fields import BoundField, Duration, Endpoint
from halfopen.model.history import History, compress
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding


class Arrivals(BoundedCheck):
    """The pace at which messages come.

    What a sender takes from its queue at once comes together; what it holds back comes late.  Only
    the first arrival of each message counts.  Times are those at which the receiver's output was
    read, twenty times a second.

    Attributes:
        at: the receiver.
        within: length of a time window, with `most`.
        most: messages that may come within any window of that length.
        soonest: time after it was sent before which no message may come.
    """

    name = "arrivals"
    summary = "how fast messages arrive: the most within a time, and the earliest"
    bounds = ("within", "soonest")

    at: Endpoint
    within: Duration | None = None
    most: BoundField | None = None
    soonest: Duration | None = None

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.within is None) != (self.most is None):
            raise ValueError("`within: 1 s` and `most: at most 10` go together")
        return self

    def judge(self, history: History) -> Finding:
        """Look at the first time that each message came to the host."""
        bounds = []
        if self.within is not None:
            bounds.append(f"most {self.most} within {production(history, self.within)}")
        if self.soonest is not None:
            bounds.append(f"none sooner than {production(history, self.soonest)} after it was sent")
        bound = ", ".join(bounds)
        arrivals = _arrivals(history, self.at)
        if not arrivals:
            return unknown(bound, f"no message was ever delivered to {self.at}")
        verdicts, whys, evidence = [], [], []
        observed, late_s = 0.0, 0.0
        if self.within is not None and self.most is not None:
            times = [t for t, _ in arrivals]
            count, start = _busiest(times, self.within)
            observed = float(count)
            # More of the run can only bring a busier stretch.
            over = self.most.relation != "at least" and count > self.most.number
            verdicts.append(_verdict(history, self.most.holds(count), final=over))
            shorter, _ = _busiest(times, max(0.0, self.within - history.late_s))
            under = self.most.relation == "at least" and count < self.most.number
            longer, _ = _busiest(times, self.within + history.late_s)
            if (over and self.most.holds(shorter)) or (under and self.most.holds(longer)):
                late_s = history.late_s
            whys.append(f"{count} came within {say(history, self.within)}")
            together = [number for t, number in arrivals if start <= t <= start + self.within]
            runs = ", ".join(f"{a}-{b}" for a, b in compress(sorted(together))[:5])
            evidence.append(Evidence(start, f"messages {runs} at {moment(history, start)}"))
        if self.soonest is not None:
            sent = read_ledger(history).sent
            age, number, t = min((t - sent[n][0], n, t) for t, n in arrivals)
            early = sum(t - sent[n][0] < self.soonest for t, n in arrivals)
            if self.within is None:
                observed = float(early)
            verdicts.append(_verdict(history, not early, final=bool(early)))
            whys.append(f"{early} came too soon, the first after {say(history, age)}")
            evidence.append(
                Evidence(t, f"message {number} came {say(history, age)} after it was sent")
            )
        if Verdict.UNKNOWN in verdicts and Verdict.FAIL not in verdicts:
            return unknown(bound, f"{cut_short(history)}; so far {', '.join(whys)}", evidence)
        verdict = Verdict.FAIL if Verdict.FAIL in verdicts else Verdict.PASS
        found = Finding(verdict, observed, bound, ", ".join(whys), tuple(evidence))
        if late_s and verdicts.count(Verdict.FAIL) == 1 and verdicts[0] is Verdict.FAIL:
            return late(bound, found, late_s, "and what comes late comes together or apart")
        return found


def _verdict(history: History, holds: bool, *, final: bool) -> Verdict:
    if history.complete:
        return Verdict.PASS if holds else Verdict.FAIL
    return Verdict.FAIL if final else Verdict.UNKNOWN


def _arrivals(history: History, host: str) -> list[tuple[float, int]]:
    """(t, number) of the first time that each message that was sent came to `host`, in order."""
    ledger = read_ledger(history)
    first: dict[int, float] = {}
    for t, at, number in ledger.deliveries:
        if at == host and number in ledger.sent:
            first.setdefault(number, t)
    return sorted((t, number) for number, t in first.items())


def _busiest(times: list[float], length: float) -> tuple[int, float]:
    """The most of the sorted `times` in any stretch of `length`, and where that begins."""
    most, where, first = 0, 0.0, 0
    for last, t in enumerate(times):
        while t - times[first] > length:
            first += 1
        if last - first + 1 > most:
            most, where = last - first + 1, times[first]
    return most, where
