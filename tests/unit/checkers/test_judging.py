"""Running all checks of a plan: what is expected, what broke, what a killed run can prove."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen import checkers
from halfopen.checkers import all_checks, judge_history
from halfopen.model.history import History
from halfopen.model.verdict import Verdict, judge
from halfopen.ports import Check, Finding

from ..records import record
from .histories import Run, incident


def planned(check: str, reproduces: str = "", *, figure: str = "", **params: Any) -> dict[str, Any]:
    return {
        "check": check,
        "params": params,
        "label": f"{check} of the test",
        "line": 7,
        "reproduces": {figure: reproduces} if reproduces else {},
    }


EVERY = (
    planned("delivery", lost="exactly 0", duplicated="exactly 0", stuck="exactly 0"),
    planned("half-open", "seen", figure="at end", at="receiver", at_end="exactly 0"),
    planned("fds", "exactly 2", at="receiver", kind="tcp", at_end="exactly 1"),
    planned("dead connection removal", "seen", at="receiver", within=20.0, not_before=1.0),
    planned("reconnect", at="sender", within=20.0),
    planned("connections", at="sender", opened="exactly 2", at_end="exactly 1"),
    planned("idle drops", at="firewall", count="exactly 1"),
)


def test_every_file_holds_the_check_that_it_is_named_after() -> None:
    files = {each.stem for each in Path(checkers.__file__).parent.glob("[a-z]*.py")}
    assert {name.replace(" ", "_").replace("-", "_") for name in all_checks()} == files
    assert all(each.summary and each.about() for each in all_checks().values())


def test_exactly_the_expected_failures() -> None:
    results = judge_history(incident(*EVERY).end())
    assert [r.verdict.value for r in results] == ["pass"] + ["fail"] * 3 + ["pass"] * 3
    assert all(r.line == 7 and r.label == f"{r.check} of the test" for r in results)
    assert judge(results) == (Verdict.REPRODUCED, "failed exactly as expected")


@pytest.mark.parametrize(
    ("reproduces", "verdict"),
    [
        ("seen", Verdict.REPRODUCED),
        ("exactly 1", Verdict.REPRODUCED),
        ("at least 1", Verdict.REPRODUCED),
        ("exactly 3", Verdict.FAIL),
        ("", Verdict.FAIL),
    ],
)
def test_a_failure_with_another_figure_is_not_the_one_expected(
    reproduces: str, verdict: Verdict
) -> None:
    check = planned("half-open", reproduces, at="receiver", at_end="exactly 0")
    results = judge_history(incident(check).end())
    assert results[0].verdict is Verdict.FAIL
    assert judge(results)[0] is verdict
    if reproduces == "exactly 3":
        assert results[0].why.startswith("reproduced 1 where 3 was expected: ")


def test_a_failure_that_did_not_happen() -> None:
    check = planned("half-open", "exactly 3", at="receiver", at_end="exactly 1")
    verdict, why = judge(judge_history(incident(check).end()))
    assert verdict is Verdict.FAIL
    assert "was expected to fail, but passed" in why


class Broken(Check):
    """Breaks."""

    name = "broken"
    summary = "breaks"

    def judge(self, history: History) -> Finding:
        raise ZeroDivisionError("by design")


def test_a_check_that_breaks_is_unknown() -> None:
    history = Run(planned("broken"), planned("nobody"), planned("broken", wrong=1)).end()
    results = judge_history(history, {"broken": Broken})
    assert [r.verdict for r in results] == [Verdict.UNKNOWN] * 3
    assert results[0].why == "error in the check: ZeroDivisionError: by design"
    assert results[1].why == "unknown check 'nobody'"
    assert "ValidationError" in results[2].why


@given(st.integers(1, 200), st.booleans())
def test_a_killed_run_never_passes_and_never_breaks_a_checker(kept: int, ends: bool) -> None:
    records = incident(*EVERY).end().records[:kept]
    complete = records[-1]["kind"] == "end"
    if ends and not complete:
        end = record("end", records[-1]["t"], reason="interrupted", detail="")
        records = (*records, end)
    for result in judge_history(History(records)):
        assert "broke" not in result.why
        assert complete or result.verdict is not Verdict.PASS


@given(st.lists(st.integers(1, 60), max_size=20))
def test_missing_records_never_break_a_checker(holes: list[int]) -> None:
    records = incident(*EVERY).end().records
    kept = [each for number, each in enumerate(records) if number not in holes]
    for result in judge_history(History(kept)):
        assert "broke" not in result.why


def test_an_ordinary_failure_keeps_its_own_words() -> None:
    (found,) = judge_history(
        incident(planned("half-open", at="receiver", at_end="exactly 0")).end()
    )
    assert found.why.startswith("half-open connections: at end 1 instead of 0")
