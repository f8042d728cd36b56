"""The check `delivery`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from halfopen.checkers._bounds import BoundedCheck, Figure, weigh
from halfopen.checkers._ledger import Ledger, read_ledger
from halfopen.checkers._unmet import certainly_lost
from halfopen.checkers._words import moment, runs, unknown
from halfopen.fields import BoundField, Duration, Timer
from halfopen.model.history import History
from halfopen.model.records import DeliveredRecord
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

# What is missing from a run that was cut short may have been on its way.
_MAY_COME = ("lost", "undelivered", "undecided")
_EXCERPTS = 5


class Delivery(BoundedCheck):
    """What became of every message that was sent.

    Attributes:
        lost: messages that the sender accepted and nobody received.
        undelivered: messages written to the sender, accepted or not, that nobody received.
        undecided: messages written to a sender, never accepted and never delivered: nobody promised
            anything.  Without a bound on these, or on `undelivered`, a run that has some does not
            pass a bound on `lost`.
        corrupted: messages whose checksum is wrong.
        unexpected: lines in a receiver's output that are not messages of this run.
        duplicated: deliveries after the first one of the same message at the same receiver.
        reordered: messages whose first delivery came after that of a message that the same sender
            sent later.
        stuck: messages that were delivered only when their sender, after a silence, sent another.
        stuck_after: how long such a silence is, at least.
    """

    name = "delivery"
    summary = "messages lost, corrupted, unexpected, duplicated, reordered or stuck"
    bounds = (
        "lost",
        "undelivered",
        "undecided",
        "corrupted",
        "unexpected",
        "duplicated",
        "reordered",
        "stuck",
    )

    lost: BoundField | None = None
    undelivered: BoundField | None = None
    undecided: BoundField | None = None
    corrupted: BoundField | None = None
    unexpected: BoundField | None = None
    duplicated: BoundField | None = None
    reordered: BoundField | None = None
    stuck: BoundField | None = None
    stuck_after: Duration = 1200.0

    def judge(self, history: History) -> Finding:
        """Hold the ledger of messages against the bounds."""
        ledger = read_ledger(history)
        if not ledger.sent:
            return unknown(self.asked, "no message was sent")
        if not history.of(DeliveredRecord):
            return unknown(self.asked, "no output of any receiver was recorded")
        stuck = ledger.stuck(self.stuck_after)
        certain = len(certainly_lost(history, ledger))
        counts = {
            "lost": len(ledger.missing),
            "undelivered": len(ledger.sent.keys() - ledger.first.keys()),
            "undecided": len(ledger.undecided),
            "corrupted": len(ledger.corrupt),
            "unexpected": len(ledger.strange),
            "duplicated": sum(ledger.duplicates.values()),
            "reordered": len(ledger.reordered),
            "stuck": len(stuck),
        }
        weighed = weigh(
            history,
            [
                Figure(
                    kind,
                    getattr(self, kind),
                    counts[kind],
                    only_grows=kind not in _MAY_COME,
                    certain=certain if kind in ("lost", "undelivered") else 0,
                )
                for kind in self.bounds
            ],
        )
        observed = weighed.observed if weighed.verdict is Verdict.FAIL else float(counts["lost"])
        why = f"{weighed.why}; {self._sums(ledger)}"
        betrayed = sum(number in ledger.acked for number in ledger.missing)
        if betrayed:
            why += f"; {betrayed} of the lost were acknowledged: the sender believes they are safe"
        if ledger.unledgered and self.lost is not None:
            who = ", ".join(sorted(ledger.unledgered))
            why += f"; {who} keeps no ledger: every message written to it counts as accepted"
        evidence = (*_missing(history, ledger), *_others(history, ledger), *_stuck(history, stuck))
        open_question = (
            self.lost is not None and self.undelivered is None and self.undecided is None
        )
        if weighed.verdict is Verdict.PASS and ledger.undecided and open_question:
            remedy = f"bound them (`undecided: {len(ledger.undecided)}`) if that is what you expect"
            return unknown(
                self.asked, f"undecided messages are not known to be safe: {why}; {remedy}"
            )
        return weighed.finding(why, evidence, observed)

    def _sums(self, ledger: Ledger) -> str:
        """What was sent, and what became of it: the sums add up."""
        parts = [f"{len(ledger.first)} delivered"]
        for number, what in (
            (len(ledger.missing), "lost"),
            (len(ledger.refused), "refused"),
            (len(ledger.undecided), "undecided"),
        ):
            if number:
                parts.append(f"{number} {what}")
        return f"{len(ledger.sent)} sent = {' + '.join(parts)}"

    def timers(self) -> Sequence[Timer]:
        """The bounds that the time scale must keep in order."""
        if self.stuck is None:
            return ()
        return (Timer("delivery: stuck after", self.stuck_after, "answer"),)


def _missing(history: History, ledger: Ledger) -> list[Evidence]:
    found = []
    groups = (
        ("acknowledged but never delivered", [n for n in ledger.missing if n in ledger.acked]),
        ("taken by the sender, never delivered", _without(ledger.missing, ledger.acked)),
        ("written, neither accepted nor delivered: undecided", ledger.undecided),
    )
    for words, numbers in groups:
        if not numbers:
            continue
        times = [ledger.sent[n][0] for n in numbers if n in ledger.sent]
        t = min(times, default=0.0)
        text = f"{words}: message {runs(numbers)}, sent from {moment(history, t)} on"
        found.append(Evidence(t, text))
    return found


def _without(numbers: Iterable[int], others: Iterable[int]) -> list[int]:
    without = set(others)
    return [number for number in numbers if number not in without]


def _others(history: History, ledger: Ledger) -> list[Evidence]:
    found = [Evidence(t, f"corrupted: {text!r}") for t, text in ledger.corrupt[:_EXCERPTS]]
    found += [Evidence(t, f"unexpected: {text!r}") for t, text in ledger.strange[:_EXCERPTS]]
    extra = ledger.duplicates
    if extra:
        found.append(Evidence(ledger.first[min(extra)], f"delivered again: message {runs(extra)}"))
    late = ledger.reordered
    if late:
        t, words = late[0][0], runs(number for _, number in late)
        found.append(Evidence(t, f"out of order from {moment(history, t)} on: message {words}"))
    return found


def _stuck(history: History, stuck: Sequence[tuple[int, float, float]]) -> list[Evidence]:
    woken = sorted({t for _, t, _ in stuck})
    return [
        Evidence(
            t,
            f"message {runs(number for number, when, _ in stuck if when == t)} came only after "
            f"something else was sent at {moment(history, t)}",
        )
        for t in woken
    ]
