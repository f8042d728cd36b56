"""The check `log contains`."""

from __future__ import annotations

from halfopen.checkers.log_contains import LogContains
from halfopen.model.history import History
from halfopen.model.verdict import Verdict
from halfopen.ports import Finding

from .histories import Run


def judge(history: History, **params: object) -> Finding:
    return LogContains.model_validate({"at": "receiver", **params}).judge(history)


def said(run: Run, *lines: str) -> Run:
    for line in lines:
        run.add("said", host="receiver", process="rsyslog-receive", line=line)
    return run


def test_lines_with_the_words_are_counted() -> None:
    run = said(Run(), "start", "session 9 closed", "session 8 closed")
    found = judge(run.end(), words="closed", count=2)
    assert (found.verdict, found.observed) == (Verdict.PASS, 2)
    assert [each.text for each in found.evidence] == ["session 9 closed", "session 8 closed"]


def test_words_that_were_never_said_fail_and_the_last_ones_are_shown() -> None:
    found = judge(said(Run(), "start", "cannot bind").end(), words="closed")
    assert found.verdict is Verdict.FAIL
    assert found.evidence[-1].text == "cannot bind"


def test_who_is_not_heard_proves_nothing_by_silence() -> None:
    assert judge(Run().end(), words="error", count=0).verdict is Verdict.UNKNOWN


def test_half_a_run_does_not_pass() -> None:
    assert judge(said(Run(), "closed").history(), words="closed").verdict is Verdict.UNKNOWN


def test_a_program_that_is_heard_and_says_nothing_has_not_said_it() -> None:
    run = Run().add(
        "process", host="receiver", process="p", state="started", heard=["standard error"]
    )
    history = run.end()
    assert judge(history, words="error", count=0).verdict is Verdict.PASS
    assert judge(history, words="error").verdict is Verdict.FAIL


def test_an_event_of_a_structured_log_is_a_line() -> None:
    history = Run().log("session-lost", host="receiver", reason="reset").end()
    found = judge(history, words='"reason": "reset"')
    assert found.verdict is Verdict.PASS
    assert found.evidence[0].text == '{"event": "session-lost", "reason": "reset"}'


def test_what_was_cut_off_may_have_said_it() -> None:
    run = said(Run(), "closed", "closed").add("said", host="receiver", line="(more)", cut=True)
    history = run.end()
    assert judge(history, words="closed", count="at least 2").verdict is Verdict.PASS
    assert judge(history, words="closed", count="at least 3").verdict is Verdict.UNKNOWN
    assert judge(history, words="closed", count="at most 1").verdict is Verdict.FAIL
    assert judge(history, words="closed", count=2).verdict is Verdict.UNKNOWN
