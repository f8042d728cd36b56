"""Operations of a client, as its events tell of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from halfopen.checkers._words import event_name
from halfopen.model.history import History
from halfopen.model.records import LogRecord, ProcessRecord, SentRecord

Outcome = Literal["ok", "failed", "unknown", "wrong"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
EVENT, BEGUN = "operation", "begun"


@dataclass
class Operation:
    """One operation: something that a client asked a server to do.

    Attributes:
        number: among those of one run of its program, from 1.
        begun: lab time.
        end: lab time at which its outcome was recorded; the end of the run, or of its program,
            if it has none.
        attempts: how often it was begun.
        outcome: None while it waits for an answer.
        took: lab seconds, as its program measured them, or from `begun` to `end`.
        reason: why it is not ok, as its program says.
    """

    number: int
    begun: float
    end: float
    attempts: int = 1
    outcome: Outcome | None = None
    took: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class OperationsTold:
    """All operations of a host.

    Attributes:
        found: in the order in which they were begun.
        waiting: how many were handed to a program that has not begun them, or ended before.
    """

    found: Sequence[Operation]
    waiting: int


@dataclass
class _Run:
    """One run of the host's program."""

    handed: int = 0
    begun: dict[int, Operation] = field(default_factory=dict)


def read_operations(history: History, at: str) -> OperationsTold | None:
    """What the programs of a host tell of their operations; None if they tell of none."""
    telling = {
        record["process"]
        for record in history.of(LogRecord, host=at)
        if event_name(record) == EVENT
    }
    run, runs = _Run(), list[_Run]()
    waiting = 0
    for record in history.among(LogRecord, ProcessRecord, SentRecord):
        if record["kind"] == "sent" and record["host"] == at:
            run.handed += sum(last - first + 1 for first, last in record["seqs"])
        elif record["kind"] == "log" and record["host"] == at:
            _note(run, record)
        elif record["kind"] != "process" or record["host"] != at:
            continue
        elif record["process"] not in telling:
            continue  # a program beside the client
        elif record["state"] == "started":
            run = _Run()
            runs.append(run)
        elif record["state"] == "exited":
            _settle(run, record["t"])
            waiting += max(0, run.handed - len(run.begun))
            run.handed = 0
    runs = runs or [run]
    for each in runs[-1].begun.values():
        if each.outcome is None:
            each.end, each.took = history.duration, history.duration - each.begun
    found = [operation for each in runs for operation in each.begun.values()]
    waiting += max(0, runs[-1].handed - len(runs[-1].begun))
    return OperationsTold(found, waiting) if found else None


def _note(run: _Run, record: LogRecord) -> None:
    event = record["event"]
    number, state = event.get("number"), event.get("state")
    if event_name(record) != EVENT or not isinstance(number, int):
        return
    known = run.begun.get(number)
    if state == BEGUN:
        if known is None:
            run.begun[number] = Operation(number, record["t"], record["t"])
        else:
            known.attempts += 1
            known.outcome = None
    elif known is not None and state in OUTCOMES:
        took = event.get("took")
        known.outcome, known.end = state, record["t"]
        known.took = known.end - known.begun
        if isinstance(took, int | float) and 0 <= took < math.inf:
            known.took = float(took)
        known.reason = str(event.get("reason", ""))


def _settle(run: _Run, t: float) -> None:
    """Its program is gone: what had no answer gets none."""
    for each in run.begun.values():
        if each.outcome is None:
            each.outcome, each.end, each.took = "unknown", t, t - each.begun
            each.reason = "its program ended"
