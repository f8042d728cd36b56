"""Checks: one class in one file each, pure functions from a history to a finding.

A check never guesses: what the history does not show is `unknown`, and a run that was cut short
can fail a check, but never pass one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cache

from halfopen.checkers._effects import without_effect
from halfopen.checkers._words import late
from halfopen.checkers.exits import Exits, in_words, unasked
from halfopen.fields import SEEN, parse_bound
from halfopen.model.history import History
from halfopen.model.plan import PlannedCheck
from halfopen.model.units import format_duration
from halfopen.model.verdict import CheckResult, Evidence, Verdict
from halfopen.ports import Check, FigureFound, Finding
from halfopen.registry import discover


@cache
def all_checks() -> dict[str, type[Check]]:
    """Every check by the name that a scenario gives it."""
    return discover(sys.modules[__name__], Check)  # type: ignore[type-abstract]


def judge_history(
    history: History, checks: Mapping[str, type[Check]] | None = None
) -> list[CheckResult]:
    """What every check of the history's plan finds, in the order of the plan.

    Args:
        history: complete or cut short.
        checks: the checks to use; default all.
    """
    known = all_checks() if checks is None else checks
    planned = [PlannedCheck(**each) for each in history.plan["checks"]]
    found = [_judge_one(history, each, known.get(each.check)) for each in planned]
    return [*found, *_unexpected_exits(history, planned), *without_effect(history)]


def _unexpected_exits(history: History, planned: Sequence[PlannedCheck]) -> list[CheckResult]:
    """A failure for each host whose programs ended though nothing asked them to.

    Hosts of which the scenario itself says how many of its programs do are left to its check.
    """
    expected = {each.params.get("at") for each in planned if each.check == Exits.name}
    hosts: dict[str, list[Evidence]] = {}
    for record in unasked(history):
        if record["host"] not in expected:
            fact = Evidence(record["t"], in_words(history, record))
            hosts.setdefault(record["host"], []).append(fact)
    return [
        CheckResult(
            check=Exits.name,
            verdict=Verdict.FAIL,
            observed=float(len(facts)),
            bound="exactly 0",
            why=facts[0].text,
            evidence=tuple(facts),
            label=f"{Exits.name} at {host}",
        )
        for host, facts in hosts.items()
    ]


def _judge_one(history: History, planned: PlannedCheck, kind: type[Check] | None) -> CheckResult:
    finding = _find(history, planned, kind)
    expected, why = (Verdict.FAIL if planned.reproduces else Verdict.PASS), finding.why
    other = ""
    if planned.reproduces and finding.verdict is Verdict.FAIL:
        other = _another_failure(finding, planned.reproduces)
    if other:
        # It did fail, but not in the way that the scenario reproduces: then the failure is an
        # ordinary one, which nobody expected.
        expected, why = Verdict.PASS, f"{other}: {finding.why}"
    return CheckResult(
        check=planned.check,
        verdict=finding.verdict,
        observed=finding.observed,
        bound=finding.bound,
        why=why,
        evidence=tuple(sorted(finding.evidence, key=lambda each: each.t)),
        label=planned.label or planned.check,
        line=planned.line,
        expected=expected,
        late_s=finding.late_s,
    )


def _another_failure(finding: Finding, reproduces: Mapping[str, str]) -> str:
    """How a failure differs from the one that a scenario reproduces; empty if it does not."""
    only = FigureFound("", finding.observed or 0, finding.verdict)
    found = {each.name: each for each in finding.figures} or {"": only}
    if "" in reproduces and len(found) == 1:
        found = {"": next(iter(found.values()))}
    for name, wanted in reproduces.items():
        figure = found.get(name)
        if figure is None or figure.verdict is not Verdict.FAIL:
            return f"failed, but not in {name}" if name else "failed in another figure"
        if wanted != SEEN and not parse_bound(wanted).holds(figure.value):
            expected = wanted.removeprefix("exactly ")
            return f"reproduced {figure.value:g} where {expected} was expected"
    others = [
        e.name for e in found.values() if e.verdict is Verdict.FAIL and e.name not in reproduces
    ]
    return f"{', '.join(others)} failed as well" if others and "" not in reproduces else ""


def _unless_late(history: History, check: Check, found: Finding) -> Finding:
    """The finding, or that the machine was later than the check can bear."""
    bears = check.bears(history)
    if found.verdict is Verdict.UNKNOWN:
        return _because_late(history, check, found)
    if history.late_s < bears:
        return _unless_overtime(history, found)
    decides = f"and {format_duration(bears)} can change the order of two of the run's timers"
    return late(found.bound, found, history.late_s, decides)


def _unless_overtime(history: History, found: Finding) -> Finding:
    """The finding, or that the run's end lasted so long that a flow was forgotten in it."""
    took, overtime = history.end_s
    if not overtime or not took - overtime < history.end_bears_s <= took:
        return found
    bears = format_duration(history.end_bears_s)
    lasted = format_duration(took)
    decides = f"so that the run's end lasted {lasted}: a flow is forgotten or given up in {bears}"
    return late(found.bound, found, overtime, decides)


def _because_late(history: History, check: Check, found: Finding) -> Finding:
    """What is unknown, and whether it would be on a machine whose samples came in time."""
    if not history.late_s or found.late_s:
        return found
    if check.judge(history.on_time()).verdict is Verdict.UNKNOWN:
        return found
    return late(found.bound, found, history.late_s, "and its samples do not decide")


def _find(history: History, planned: PlannedCheck, kind: type[Check] | None) -> Finding:
    if kind is None:
        return Finding(Verdict.UNKNOWN, None, "", f"unknown check {planned.check!r}")
    try:
        check = kind.model_validate(dict(planned.params))
        return _unless_late(history, check, check.judge(history))
    except Exception as error:  # a checker that breaks must not end as a pass, nor end the others
        reason = f"error in the check: {type(error).__name__}: {error}"
        return Finding(Verdict.UNKNOWN, None, "", reason)
