"""Checks of what queues do: spool, arrivals, and what never came at all."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from halfopen.checkers import all_checks
from halfopen.model.history import History
from halfopen.model.verdict import Verdict
from halfopen.ports import Finding

from .histories import Run


def judge(name: str, history: History, **params: Any) -> Finding:
    spec = all_checks()[name]
    given = {key.replace("_", " "): value for key, value in params.items()}
    return spec.judge(history, spec.params.model_validate(given))


def spools(run: Run, *octets: int, path: str = "queue") -> Run:
    for second, each in enumerate(octets):
        run.at(second).add(
            "spool", host="sender", process="relpio-send", path=path, files=1, bytes=each
        )
    return run


def batches(*times: float, size: int = 10) -> Run:
    """`size` messages come at each of `times`; all were sent at 0."""
    run = Run().sent(*range(1, len(times) * size + 1))
    for turn, t in enumerate(times):
        run.at(t).delivered(*range(turn * size + 1, turn * size + size + 1))
    return run


def test_the_most_and_the_last_on_disk() -> None:
    run = spools(Run(), 0, 5000, 300).end()
    assert judge("spool", run, at="sender", peak="at most 5000").verdict is Verdict.PASS
    found = judge("spool", run, at="sender", peak="at most 4999")
    assert (found.verdict, found.observed) == (Verdict.FAIL, 5000)
    assert judge("spool", run, at="sender", at_end="at most 300").verdict is Verdict.PASS
    assert judge("spool", run, at="sender", at_end=0).observed == 300


def test_spools_of_one_host_are_added() -> None:
    run = spools(spools(Run(), 100), 200, path="other").end()
    assert judge("spool", run, at="sender", peak=300).verdict is Verdict.PASS


def test_a_host_without_spool_is_unknown_and_half_a_run_passes_nothing() -> None:
    assert judge("spool", Run().end(), at="sender", peak=0).verdict is Verdict.UNKNOWN
    assert judge("spool", spools(Run(), 5).history(), at="sender", peak=5).verdict is (
        Verdict.UNKNOWN
    )
    assert judge("spool", spools(Run(), 5).history(), at="sender", peak=4).verdict is Verdict.FAIL


def test_messages_that_come_together() -> None:
    run = batches(1, 2, 3).end()
    found = judge("arrivals", run, at="receiver", within="400 ms", most=10)
    assert (found.verdict, found.observed) == (Verdict.PASS, 10)
    found = judge("arrivals", run, at="receiver", within="1 s", most="at most 10")
    assert (found.verdict, found.observed) == (Verdict.FAIL, 20)
    assert "messages 1-20" in found.evidence[0].text
    one_by_one = batches(*(1 + each / 2 for each in range(30)), size=1).end()
    found = judge("arrivals", one_by_one, at="receiver", within="400 ms", most=10)
    assert (found.verdict, found.observed) == (Verdict.FAIL, 1)


def test_a_message_that_comes_twice_arrives_once() -> None:
    run = batches(1, 2).at(2).delivered(*range(1, 11)).end()
    assert judge("arrivals", run, at="receiver", within="400 ms", most=10).verdict is Verdict.PASS


def test_messages_that_come_too_soon() -> None:
    run = batches(1, 2).end()
    assert judge("arrivals", run, at="receiver", soonest="900 ms").verdict is Verdict.PASS
    found = judge("arrivals", run, at="receiver", soonest="1500 ms")
    assert (found.verdict, found.observed) == (Verdict.FAIL, 10)


def test_arrivals_of_half_a_run() -> None:
    run = batches(1, 2)
    assert judge("arrivals", run.history(), at="receiver", soonest="1 s").verdict is Verdict.UNKNOWN
    late = judge("arrivals", run.history(), at="receiver", soonest="3 s")
    assert late.verdict is Verdict.FAIL
    within = {"at": "receiver", "within": "400 ms"}
    assert judge("arrivals", run.history(), **within, most=10).verdict is Verdict.UNKNOWN
    assert judge("arrivals", run.history(), **within, most=9).verdict is Verdict.FAIL
    assert judge("arrivals", run.history(), **within, most="at least 9").verdict is Verdict.UNKNOWN
    assert judge("arrivals", Run().sent(1).end(), **within, most=9).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("params", [{}, {"within": "1 s"}, {"most": 3}])
def test_arrivals_say_what_they_need(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"go together|needs"):
        all_checks()["arrivals"].params.model_validate({"at": "receiver", **params})


def test_what_never_came_counts_whether_it_was_taken_or_not() -> None:
    run = Run().sent(1, 2, 3, 4).accepted(1, 2, 3).at(1).delivered(1, 2)
    assert judge("delivery", run.history(), undelivered=1).verdict is Verdict.UNKNOWN
    found = judge("delivery", run.end(), undelivered=1)
    assert (found.verdict, found.why.split(";")[0]) == (
        Verdict.FAIL,
        "undelivered 2 instead of 1",
    )
    assert judge("delivery", run.history(), lost=1, undelivered=2).verdict is Verdict.PASS
