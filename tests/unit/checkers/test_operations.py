"""The check `operations`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.checkers._operations import read_operations
from halfopen.checkers.operations import Operations
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

from .histories import Run


def judge(history: History, **bounds: Any) -> Finding:
    return Operations.model_validate({"at": "sender", **bounds}).judge(history)


def started(run: Run | None = None) -> Run:
    return (run or Run()).add("process", host="sender", process="relpio", state="started")


def gone(run: Run, process: str = "relpio") -> Run:
    return run.add("process", host="sender", process=process, state="exited")


def told(run: Run, number: int, state: str, **more: Any) -> Run:
    return run.log("operation", number=number, state=state, **more)


def done(run: Run, number: int, outcome: str = "ok", took: float = 0.5, **more: Any) -> Run:
    told(run.sent(number), number, "begun")
    return told(run.at(run.t + took), number, outcome, took=took, **more)


def test_outcomes_are_counted_and_summed_up() -> None:
    run = started()
    done(done(run, 1), 2)
    done(run.at(10), 3, "unknown", took=2.0, reason="ReadTimeout")
    done(run.at(20), 4, "failed", took=1.0, reason="status 503")
    assert judge(run.at(30).end(), ok=2, unknown=0, within=5.0) == Finding(
        Verdict.FAIL,
        1,
        "ok exactly 2, unknown exactly 0, within 5 s",
        "unknown 1 instead of 0; 4 operations = 2 ok + 1 failed + 1 unknown + 0 wrong; "
        "median 0.75 s, slowest 2 s",
        (
            Evidence(10, "operation 3, begun at 10 s, was unknown after 2 s: ReadTimeout"),
            Evidence(20, "operation 4, begun at 20 s, was failed after 1 s: status 503"),
        ),
    )
    passed = judge(run.end(), ok=2, failed=1, unknown=1, wrong=0, within=5.0)
    assert (passed.verdict, {each.name for each in passed.figures}) == (
        Verdict.PASS,
        {"ok", "failed", "unknown", "wrong", "within"},
    )


def test_nothing_asked_is_unknown() -> None:
    run = started().at(5).sent(1).at(9)
    assert judge(run.end(), failed=0) == Finding(
        Verdict.UNKNOWN, None, "failed exactly 0", "no program of sender began an operation"
    )


def test_an_operation_that_takes_too_long_fails_whether_it_is_answered_or_not() -> None:
    slow = done(started(), 1, took=7.0).at(20).end()
    found = judge(slow, within=5.0)
    assert (found.verdict, found.observed) == (Verdict.FAIL, 7)
    assert found.why.startswith("1 operation took longer, at worst 7 s; 1 operation = 1 ok")
    never = told(started().at(1).sent(1), 1, "begun").at(20).end()
    found = judge(never, within=5.0)
    assert (found.verdict, found.observed) == (Verdict.FAIL, 19)
    assert "1 of them without an outcome until the end" in found.why
    assert found.evidence == (
        Evidence(1, "operation 1, begun at 1 s, had no outcome 19 s later, at the end"),
    )


def test_one_that_has_waited_for_a_shorter_time_leaves_it_open() -> None:
    run = told(done(started(), 1).at(18).sent(2), 2, "begun").at(20)
    assert judge(run.end(), within=5.0).verdict is Verdict.UNKNOWN
    # What it could change is open, what it could not is not.
    assert judge(run.end(), failed=0).verdict is Verdict.UNKNOWN
    assert "add `within`" in judge(run.end(), failed=0).why
    assert judge(run.end(), ok="at least 1").verdict is Verdict.PASS
    assert judge(run.end(), ok="at least 3").verdict is Verdict.FAIL
    assert judge(run.end(), ok=0).verdict is Verdict.FAIL


def test_one_that_was_handed_over_and_never_begun_is_not_forgotten() -> None:
    run = done(started(), 1).sent(2, 3, 4).at(20)
    found = judge(run.end(), failed=0)
    assert found.verdict is Verdict.UNKNOWN
    assert (
        "4 operations = 1 ok + 0 failed + 0 unknown + 0 wrong + 3 without an outcome" in found.why
    )


def test_what_a_program_leaves_behind_is_unknown_and_the_next_counts_anew() -> None:
    run = gone(told(started().sent(1), 1, "begun").at(3))
    done(started(run.at(4)), 1)
    found = judge(run.at(9).end(), ok=1, unknown=1, retries=0)
    assert found.verdict is Verdict.PASS
    assert found.evidence == (
        Evidence(0, "operation 1, begun at 0 s, was unknown after 3 s: its program ended"),
    )


def test_what_a_program_was_given_and_never_began_stays_open_when_it_is_gone() -> None:
    run = gone(done(started(), 1).sent(2, 3).at(3))
    assert "2 without an outcome" in judge(run.at(9).end(), unknown=0).why
    assert judge(run.end(), unknown=0).verdict is Verdict.UNKNOWN
    again = done(started(run.at(10)), 1)
    assert judge(again.at(19).end(), ok=2).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("took", [float("nan"), float("inf"), -1, "soon", None])
def test_a_time_that_is_none_is_measured(took: object) -> None:
    run = told(started().sent(1), 1, "begun")
    history = told(run.at(7), 1, "ok", took=took).at(9).end()
    assert judge(history, within=5.0).observed == 7


def test_a_program_beside_the_client_ends_nothing() -> None:
    run = gone(told(started().sent(1), 1, "begun").at(3), "helper")
    assert judge(told(run.at(4), 1, "ok").at(9).end(), ok=1, unknown=0).verdict is Verdict.PASS


def test_attempts_belong_to_one_operation() -> None:
    run = told(started().sent(1), 1, "begun")
    told(told(run.at(1), 1, "unknown", took=1.0).at(2), 1, "begun")
    history = told(run.at(3), 1, "ok", took=3.0).at(9).end()
    assert judge(history, retries=0, unknown=0, ok=1).why.startswith("retries 1 instead of 0")
    assert judge(history, retries=1, unknown=0, ok=1, within=3.0).verdict is Verdict.PASS
    assert judge(history, within=2.9).evidence == (
        Evidence(0, "operation 1, begun at 0 s, was ok after 3 s at attempt 2"),
    )


def test_a_run_that_was_cut_short_can_fail_and_cannot_pass() -> None:
    def cut(outcome: str) -> History:
        return done(started(), 1, outcome).at(2).end("interrupted")

    assert judge(cut("failed"), failed=0).verdict is Verdict.FAIL
    assert judge(cut("ok"), failed=0).verdict is Verdict.UNKNOWN
    assert judge(cut("ok"), within=5.0).verdict is Verdict.UNKNOWN


def test_production_time_is_shown() -> None:
    found = judge(done(started(Run(scale=60)), 1, took=2.0).at(9).end(), within=1.0)
    assert (found.observed, found.bound) == (120, "within 60 s")


@pytest.mark.parametrize("state", ["", "done", None, 7, ["ok"]])
def test_states_that_are_none_are_no_outcome(state: object) -> None:
    run = told(started().sent(1), 1, "begun")
    run.log("operation", number=1, state=state).log("operation", number="1", state="ok")
    run.log("operation", number=2, state="ok").log("operation")
    found = read_operations(run.at(5).end(), "sender")
    assert found is not None
    assert [(each.number, each.outcome) for each in found.found] == [(1, None)]


@given(st.lists(st.sampled_from(["ok", "failed", "unknown", "wrong", None]), min_size=1))
def test_nothing_is_counted_twice_or_not_at_all(outcomes: list[str | None]) -> None:
    run = started()
    for number, outcome in enumerate(outcomes, 1):
        if outcome is None:
            told(run.sent(number), number, "begun")
        else:
            done(run, number, outcome)
    history = run.at(run.t + 100).end()
    found = read_operations(history, "sender")
    assert found is not None
    assert sorted(each.number for each in found.found) == list(range(1, len(outcomes) + 1))
    for name in ("ok", "failed", "unknown", "wrong"):
        number = outcomes.count(name)
        judged = judge(history, **{name: number})
        assert judged.verdict is (Verdict.UNKNOWN if None in outcomes else Verdict.PASS)
        if number:
            assert judge(history, **{name: f"at least {number}"}).verdict is Verdict.PASS
        counted = [each for each in found.found if each.outcome == name]
        assert len(counted) == number
