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
