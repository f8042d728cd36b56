"""The check `arrivals`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from halfopen.checkers.arrivals import Arrivals
from halfopen.model.history import History
from halfopen.model.verdict import Verdict
from halfopen.ports import Finding

from .histories import Run


def judge(history: History, **params: object) -> Finding:
    return Arrivals.model_validate({**params}).judge(history)


def batches(*times: float, size: int = 10) -> Run:
    """`size` messages come at each of `times`; all were sent at 0."""
    run = Run().sent(*range(1, len(times) * size + 1))
    for turn, t in enumerate(times):
        run.at(t).delivered(*range(turn * size + 1, turn * size + size + 1))
    return run


def test_messages_that_come_together() -> None:
    run = batches(1, 2, 3).end()
    found = judge(run, at="receiver", within="400 ms", most=10)
    assert (found.verdict, found.observed) == (Verdict.PASS, 10)
    found = judge(run, at="receiver", within="1 s", most="at most 10")
    assert (found.verdict, found.observed) == (Verdict.FAIL, 20)
    assert "messages 1-20" in found.evidence[0].text
    one_by_one = batches(*(1 + each / 2 for each in range(30)), size=1).end()
    found = judge(one_by_one, at="receiver", within="400 ms", most=10)
    assert (found.verdict, found.observed) == (Verdict.FAIL, 1)


def test_a_message_that_comes_twice_arrives_once() -> None:
    run = batches(1, 2).at(2).delivered(*range(1, 11)).end()
    assert judge(run, at="receiver", within="400 ms", most=10).verdict is Verdict.PASS


def test_messages_that_come_too_soon() -> None:
    run = batches(1, 2).end()
    assert judge(run, at="receiver", soonest="900 ms").verdict is Verdict.PASS
    found = judge(run, at="receiver", soonest="1500 ms")
    assert (found.verdict, found.observed) == (Verdict.FAIL, 10)


def test_arrivals_of_half_a_run() -> None:
    run = batches(1, 2)
    assert judge(run.history(), at="receiver", soonest="1 s").verdict is Verdict.UNKNOWN
    late = judge(run.history(), at="receiver", soonest="3 s")
    assert late.verdict is Verdict.FAIL
    within = {"at": "receiver", "within": "400 ms"}
    assert judge(run.history(), **within, most=10).verdict is Verdict.UNKNOWN
    assert judge(run.history(), **within, most=9).verdict is Verdict.FAIL
    assert judge(run.history(), **within, most="at least 9").verdict is Verdict.UNKNOWN
    assert judge(Run().sent(1).end(), **within, most=9).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(("late_s", "verdict"), [(0.1, Verdict.FAIL), (1.5, Verdict.UNKNOWN)])
def test_a_late_machine_can_miss_what_comes_together(late_s: float, verdict: Verdict) -> None:
    run = batches(1, 2, 3).at(3).add("machine", late_s=late_s, idle=0.0)
    found = judge(run.end(), at="receiver", within="400 ms", most="at least 15")
    assert (found.verdict, found.observed) == (verdict, 10)


@pytest.mark.parametrize("params", [{}, {"within": "1 s"}, {"most": 3}])
def test_arrivals_say_what_they_need(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"go together|needs"):
        Arrivals.model_validate({"at": "receiver", **params})
