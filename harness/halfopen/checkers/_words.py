"""How checkers weigh a count against a bound, and how they speak of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from halfopen.fields import Bound
from halfopen.model.history import History, Record
from halfopen.model.units import format_duration
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding


def say(history: History, seconds: float) -> str:
    """Lab `seconds` as production time, with the lab's own figure where the two differ."""
    text = format_duration(seconds * history.scale)
    return text if history.scale == 1 else f"{text} ({format_duration(seconds)} in the lab)"


def production(history: History, seconds: float) -> str:
    """Lab `seconds` as production time."""
    return format_duration(seconds * history.scale)


def count(number: int, noun: str) -> str:
    """`1 session`, `2 sessions`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def unknown(bound: str, why: str, evidence: Sequence[Evidence] = ()) -> Finding:
    """The finding of a check that has nothing to go by."""
    return Finding(Verdict.UNKNOWN, None, bound, why, tuple(evidence))


def cut_short(history: History) -> str:
    """Why a run that is not complete proves nothing."""
    last = history.records[-1]
    if last["kind"] == "end":
        detail = f": {last['detail']}" if last.get("detail") else ""
        return f"the run was not complete ({last['reason']}{detail})"
    return f"the run was not complete: its record breaks off after {say(history, history.duration)}"


def asked(bound: Bound | None) -> str:
    """The bound as it ends a sentence: `0`, `at most 3`."""
    return str(bound).removeprefix("exactly ")


@dataclass(frozen=True)
class Figure:
    """A count that was asked for.

    Attributes:
        name: as in the scenario, for example `at end`.
        bound: None if it is not judged.
        value: what was counted.
        only_grows: True if more of the run could not have made it smaller.
    """

    name: str
    bound: Bound | None
    value: int
    only_grows: bool = True

    def verdict(self, history: History) -> Verdict:
        """Pass, fail, or unknown for an incomplete run that has not failed for good."""
        assert self.bound is not None
        if history.complete:
            return Verdict.PASS if self.bound.holds(self.value) else Verdict.FAIL
        beyond = self.bound.relation != "at least" and self.value > self.bound.number
        return Verdict.FAIL if beyond and self.only_grows else Verdict.UNKNOWN


@dataclass(frozen=True)
class Weighed:
    """Several figures, weighed together.

    Attributes:
        verdict: fail if one fails, else unknown if one is, else pass.
        observed: the first that fails, else the first that is judged.
        bound: all bounds in words.
        why: what failed, or that all hold; no full stop.
    """

    verdict: Verdict
    observed: float
    bound: str
    why: str


def weigh(history: History, figures: Sequence[Figure]) -> Weighed:
    """The verdict on all of `figures` that have a bound; there must be one."""
    judged = [each for each in figures if each.bound is not None]
    bound = ", ".join(f"{each.name} {each.bound}" for each in judged)
    verdicts = [each.verdict(history) for each in judged]
    wrong = [f for f, v in zip(judged, verdicts, strict=True) if v is Verdict.FAIL]
    seen = ", ".join(f"{each.name} {each.value}" for each in judged)
    if wrong:
        why = ", ".join(
            f"{each.name} {each.value} instead of {asked(each.bound)}" for each in wrong
        )
        return Weighed(Verdict.FAIL, wrong[0].value, bound, why)
    if Verdict.UNKNOWN in verdicts:
        why = f"{cut_short(history)}; so far {seen}"
        return Weighed(Verdict.UNKNOWN, judged[0].value, bound, why)
    return Weighed(Verdict.PASS, judged[0].value, bound, seen)


def event_name(record: Record) -> str:
    """The name of the event in a `log` record, empty if it has none."""
    event = record.get("event")
    if isinstance(event, dict):
        event = event.get("event", event.get("name", ""))
    return event if isinstance(event, str) else ""


def peak_of(changes: Sequence[tuple[float, int]]) -> tuple[int, float]:
    """The highest sum of (t, +1 or -1) changes, and when it was first reached."""
    level, best, when = 0, 0, 0.0
    for t, change in sorted(changes):
        level += change
        if level > best:
            best, when = level, t
    return best, when
