"""Two runs of the same scenarios, before and after a change: what became of each variant."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from halfopen.errors import InputError, Problem
from halfopen.model.verdict import CheckResult, VariantResult, Verdict


class VariantChange(StrEnum):
    """What became of a variant; the worst first."""

    WORSE = "worse"
    GONE = "gone"
    CHANGED = "changed"
    BETTER = "better"
    NEW = "new"
    SAME = "same"


@dataclass(frozen=True)
class CheckDifference:
    """A check that says something else.

    Attributes:
        label: of the check.
        before: verdict and what was observed; empty if there was no such check.
        after: likewise.
        why: what it says now; before, if there is none any more.
    """

    label: str
    before: str
    after: str
    why: str


@dataclass(frozen=True)
class VariantDifference:
    """What became of one variant.

    Attributes:
        scenario: its scenario.
        variant: its name.
        change: in one word.
        before: verdict and lab; empty for a new one.
        after: likewise; empty for one that is gone.
        checks: those that say something else.
    """

    scenario: str
    variant: str
    change: VariantChange
    before: str
    after: str
    checks: tuple[CheckDifference, ...] = ()


def compare(
    before: Iterable[VariantResult], after: Iterable[VariantResult]
) -> list[VariantDifference]:
    """Every variant of either run, the worst first.

    A variant is worse if it was as expected and is not any more, better the other way round, and
    changed if a check has another verdict or observed something else.  One that a machine or lab
    does not support counts as not played.  Of two results of a variant
    (in two labs, or judged twice) the later counts.
    """
    old = {(each.scenario, each.variant): each for each in before}
    new = {(each.scenario, each.variant): each for each in after}
    found = [_difference(old.get(key), new.get(key)) for key in {**old, **new}]
    order = list(VariantChange)
    return sorted(found, key=lambda each: order.index(each.change))


def _difference(before: VariantResult | None, after: VariantResult | None) -> VariantDifference:
    known = after or before
    assert known is not None
    checks = _checks(before, after) if before is not None and after is not None else ()
    return VariantDifference(
        known.scenario,
        known.variant,
        _change(before, after, checks),
        _said(before),
        _said(after),
        tuple(checks),
    )


def _change(
    before: VariantResult | None, after: VariantResult | None, checks: Sequence[CheckDifference]
) -> VariantChange:
    if not _ran(before) and not _ran(after):
        return VariantChange.SAME
    if before is None or after is None or not _ran(before) or not _ran(after):
        return VariantChange.GONE if _ran(before) else VariantChange.NEW
    was, is_now = before.verdict.as_expected, after.verdict.as_expected
    if was != is_now:
        return VariantChange.WORSE if was else VariantChange.BETTER
    return (
        VariantChange.CHANGED
        if checks or before.verdict is not after.verdict
        else VariantChange.SAME
    )


def _ran(result: VariantResult | None) -> bool:
    return result is not None and result.verdict is not Verdict.UNSUPPORTED


def _said(result: VariantResult | None) -> str:
    return "" if result is None else f"{result.verdict} [{result.lab}]"


def _checks(before: VariantResult, after: VariantResult) -> list[CheckDifference]:
    old, new = _by_label(before), _by_label(after)
    found = []
    for label in {**old, **new}:
        was, is_now = old.get(label), new.get(label)
        texts = _observed(was), _observed(is_now)
        if texts[0] != texts[1]:
            known = is_now or was
            assert known is not None
            found.append(CheckDifference(label, *texts, known.why))
    return found


def _by_label(result: VariantResult) -> dict[str, CheckResult]:
    """Checks of the same label, which differ in their parameters, are told apart by number."""
    found: dict[str, CheckResult] = {}
    for each in result.checks:
        label, number = each.label or each.check, 2
        while label in found:
            label, number = f"{each.label or each.check} ({number})", number + 1
        found[label] = each
    return found


def _observed(check: CheckResult | None) -> str:
    if check is None:
        return ""
    seen = "" if check.observed is None else f" {check.observed:g}"
    return f"{check.verdict}{seen}"


def comparison_json(differences: Iterable[VariantDifference]) -> dict[str, Any]:
    """The differences as plain JSON values."""
    return {
        "version": 1,
        "variants": [
            {
                "scenario": each.scenario,
                "variant": each.variant,
                "change": each.change.value,
                "before": each.before,
                "after": each.after,
                "checks": [vars(check) for check in each.checks],
            }
            for each in differences
        ],
    }


def read_results(path: Path) -> list[VariantResult]:
    """What `halfopen run --json` wrote, as far as a comparison needs it.

    Raises:
        InputError: it is no such file.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return [_result(each) for each in said["results"]]
    except OSError as error:
        raise _no_results(path, 1, f"cannot be read: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise _no_results(path, error.lineno, f"is no JSON: {error.msg}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _no_results(path, 1, f"holds no results of `halfopen run --json` ({error})") from None


def _no_results(path: Path, line: int, what: str) -> InputError:
    remedy = "name a file that `halfopen run --json FILE` wrote, or the --out directory of a run"
    return InputError([Problem(str(path), line, what, remedy)])


def _result(said: Mapping[str, Any]) -> VariantResult:
    checks = tuple(
        CheckResult(
            check=each["check"],
            verdict=Verdict(each["verdict"]),
            observed=each["observed"],
            bound=each["bound"],
            why=each["why"],
            label=each["label"],
            line=each["line"],
        )
        for each in said["checks"]
    )
    return VariantResult(
        scenario=said["scenario"],
        variant=said["variant"],
        lab=said["lab"],
        verdict=Verdict(said["verdict"]),
        seed=said["seed"],
        wall_s=said["wall_s"],
        virtual_s=said["virtual_s"],
        checks=checks,
        why=said["why"],
    )
