"""Checks: one class in one file each, pure functions from a history to a finding.

A check never guesses: what the history does not show is `unknown`, and a run that was cut short
can fail a check, but never pass one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache

from halfopen.model.history import History
from halfopen.model.plan import PlannedCheck
from halfopen.model.verdict import CheckResult, Verdict
from halfopen.ports import Check, Finding
from halfopen.registry import classes


@cache
def all_checks() -> dict[str, type[Check]]:
    """Every check by the name that a scenario gives it."""
    return classes(sys.modules[__name__], Check)  # type: ignore[type-abstract]


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
    return [_judge_one(history, each, known.get(each.check)) for each in planned]


def _judge_one(history: History, planned: PlannedCheck, kind: type[Check] | None) -> CheckResult:
    finding = _find(history, planned, kind)
    must_fail = planned.reproduces is not None and planned.reproduces is not False
    expected, why = (Verdict.FAIL if must_fail else Verdict.PASS), finding.why
    if must_fail and planned.reproduces is not True and finding.verdict is Verdict.FAIL:
        # It did fail, but not in the way that the scenario reproduces: then the failure is an
        # ordinary one, which nobody expected.
        wanted, seen = planned.reproduces, finding.observed
        if seen != wanted:
            expected = Verdict.PASS
            figure = "no figure" if seen is None else f"{seen:g}"
            why = f"reproduced {figure} where {wanted:g} were expected: {finding.why}"
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
    )


def _find(history: History, planned: PlannedCheck, kind: type[Check] | None) -> Finding:
    if kind is None:
        return Finding(Verdict.UNKNOWN, None, "", f"there is no check named {planned.check!r}")
    try:
        return kind.model_validate(dict(planned.params)).judge(history)
    except Exception as error:  # a checker that breaks must not end as a pass, nor end the others
        reason = f"the check broke: {type(error).__name__}: {error}"
        return Finding(Verdict.UNKNOWN, None, "", reason)
