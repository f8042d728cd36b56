"""What can be judged of a run that ended because a condition was not met.

The rest of its steps was not played, but its faults were healed, and what was on its way had the
same time to arrive as at the end of any other run.
"""

from __future__ import annotations

from halfopen.checkers._ledger import Ledger
from halfopen.model.history import History
from halfopen.model.records import ConditionRecord, FaultRecord, ProcessRecord, StepRecord
from halfopen.model.steps import PlannedInject


def certainly_lost(history: History, ledger: Ledger) -> list[int]:
    """Messages that were acknowledged and not delivered, and that no further step would bring.

    A receiver may have them still, in a queue on its disk, where a fault that was to be healed
    kept it from delivering them, or where no program of it was running: then none counts.
    """
    if history.end is None or history.end["reason"] != "unmet":
        return []
    given_up = _given_up(history)
    if _held_up(history, given_up):
        return []
    return [n for n in ledger.missing if n in ledger.acked and ledger.acked[n] <= given_up]


def _given_up(history: History) -> float:
    """When the first condition was given up; without one, when the last step was over."""
    unmet = [record["t"] for record in history.of(ConditionRecord, state="unmet")]
    steps = [record["t"] for record in history.of(StepRecord)]
    return min(unmet) if unmet else max(steps, default=0.0)


def _held_up(history: History, t: float) -> bool:
    """True if a fault that does not stay was active at `t`, or no program of a host ran."""
    stays = {s.line for s in history.steps if isinstance(s, PlannedInject) and s.stays}
    active: dict[tuple[str, int], int] = {}
    for fault in history.of(FaultRecord):
        if fault["t"] <= t and fault["line"] not in stays:
            change = 1 if fault["state"] == "begin" else -1
            key = (fault["name"], fault["line"])
            active[key] = active.get(key, 0) + change
    running: dict[str, dict[str, bool]] = {}
    for record in history.of(ProcessRecord):
        if record["t"] <= t:
            mine = running.setdefault(record["host"], {})
            mine[record["process"]] = record["state"] != "exited"
    return any(active.values()) or not all(any(mine.values()) for mine in running.values())
