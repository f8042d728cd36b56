"""The check `exits`, and what an unexpected end makes of a run."""

from __future__ import annotations

from typing import Any

import pytest

from halfopen.checkers import judge_history
from halfopen.checkers.exits import Exits
from halfopen.model.history import History
from halfopen.model.verdict import Verdict, judge

from .histories import Run, incident


def died(*checks: dict[str, Any], **end: Any) -> History:
    run = incident(*checks)
    process = {"host": "sender", "process": "relpio-send", "pid": 7}
    run.at(1.0).add("process", **process, state="started")
    run.at(20.0).add("process", **process, state="exited", **end)
    return run.end()


CHECK = {
    "check": "exits",
    "params": {"at": "sender", "count": "exactly 1", "status": None},
    "label": "exits at sender",
    "line": 3,
    "reproduces": {},
}


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ({"status": 70, "asked": False, "words": "queue: boom\n"}, "with status 70"),
        ({"status": -11, "asked": False, "words": ""}, "signal 11"),
        ({"status": -9, "asked": True, "forced": True, "words": ""}, "had to be killed"),
    ],
)
def test_an_end_that_nothing_asked_for_is_a_failure_with_its_words(
    end: dict[str, Any], said: str
) -> None:
    (found,) = judge_history(died(**end))
    assert (found.verdict, found.label, found.observed) == (Verdict.FAIL, "exits at sender", 1)
    assert said in found.why
    assert "relpio-send on sender" in found.why
    if end["words"]:
        assert "its last words: queue: boom" in found.why
    assert judge([found])[0] is Verdict.FAIL


def test_an_end_that_was_asked_for_is_none() -> None:
    assert judge_history(died(status=0, asked=True)) == []
    assert judge_history(died(status=0)) == [], "a history of before says nothing of it"


def test_a_scenario_may_expect_it() -> None:
    (found,) = judge_history(died(CHECK, status=70, asked=False, words=""))
    assert (found.check, found.verdict) == ("exits", Verdict.PASS)
    (found,) = judge_history(died(CHECK, status=0, asked=True))
    assert (found.verdict, found.observed) == (Verdict.FAIL, 0)


def test_only_those_with_a_status_are_counted() -> None:
    history = died(status=70, asked=False, words="")
    assert Exits(at="sender", status=70).judge(history).verdict is Verdict.PASS
    assert Exits(at="sender", status=1).judge(history).verdict is Verdict.FAIL
    assert Exits(at="receiver").judge(Run().end()).verdict is Verdict.UNKNOWN
