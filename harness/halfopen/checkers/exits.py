"""The check `exits`."""

from __future__ import annotations

from halfopen.checkers._bounds import BoundedCheck, Figure, weigh
from halfopen.checkers._words import moment, unknown
from halfopen.fields import Bound, BoundField, Endpoint
from halfopen.model.history import History
from halfopen.model.records import ProcessRecord
from halfopen.model.verdict import Evidence
from halfopen.ports import Finding


class Exits(BoundedCheck):
    """Ends of programs that no step and no fault asked for.

    Without this check, such an end is a failure of the variant by itself; and so is a program that
    had to be killed, because it did not end within the time that it was given.  An expectation says
    how many a scenario wants to see at a host.

    Attributes:
        at: the host.
        count: ends that nothing asked for, and programs that had to be killed.
        status: only those with this exit status; negative for a signal.
    """

    name = "exits"
    summary = "programs that ended unexpectedly, or that had to be killed"
    bounds = ("count",)

    at: Endpoint
    count: BoundField = Bound("exactly", 1)
    status: int | None = None

    def judge(self, history: History) -> Finding:
        """Count them."""
        if not history.of(ProcessRecord, host=self.at, state="started"):
            return unknown(self.asked, f"no program of {self.at} was ever started")
        found = [
            record
            for record in unasked(history)
            if record["host"] == self.at
            and (self.status is None or record.get("status") == self.status)
        ]
        weighed = weigh(history, (Figure("count", self.count, len(found)),))
        evidence = [Evidence(record["t"], in_words(history, record)) for record in found]
        return weighed.finding(f"unexpected ends: {weighed.why}", evidence)


def unasked(history: History) -> list[ProcessRecord]:
    """The ends of programs that nothing asked for, or that were forced."""
    return [
        record
        for record in history.of(ProcessRecord, state="exited")
        if record.get("asked") is False or record.get("forced")
    ]


def in_words(history: History, record: ProcessRecord) -> str:
    """One end, for a person: who, how, when, and what it said last."""
    who = f"{record['process']} on {record['host']}"
    when = moment(history, record["t"])
    status = record.get("status")
    if record.get("forced"):
        how = f"did not end when it was asked to, and had to be killed, at {when}"
    elif status is not None and status < 0:
        how = f"was ended by signal {-status} at {when}, which nothing in the scenario sent"
    else:
        how = f"ended by itself at {when}, with status {status}"
    lines = record.get("words", "").strip().splitlines()
    return f"{who} {how}; its last words: {' / '.join(lines[-3:]) or '(none)'}"
