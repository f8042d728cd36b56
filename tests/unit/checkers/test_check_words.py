"""Checks of what programs and kernels say of themselves: said, figures, keepalive probes."""

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
    return spec.judge(history, spec.params.model_validate({"at": "receiver", **given}))


def said(run: Run, *lines: str) -> Run:
    for line in lines:
        run.add("said", host="receiver", process="rsyslog-receive", line=line)
    return run


def figures(run: Run, *values: int, name: str = "write queue") -> Run:
    for number, value in enumerate(values):
        record = {"name": name, "origin": "core.queue", "values": {"discarded.nf": value}}
        run.at(number).add("impstats", host="receiver", process="rsyslog-receive", **record)
    return run


def keepalives(run: Run, *counts: int) -> Run:
    for number, count in enumerate(counts):
        run.at(number).add("keepalives", host="receiver", sent=count)
    return run


def test_lines_with_the_words_are_counted() -> None:
    run = said(Run(), "start", "session 9 closed", "session 8 closed")
    found = judge("said", run.end(), words="closed", count=2)
    assert (found.verdict, found.observed) == (Verdict.PASS, 2)
    assert [each.text for each in found.evidence] == ["session 9 closed", "session 8 closed"]


def test_words_that_were_never_said_fail_and_the_last_ones_are_shown() -> None:
    found = judge("said", said(Run(), "start", "cannot bind").end(), words="closed")
    assert found.verdict is Verdict.FAIL
    assert found.evidence[-1].text == "cannot bind"


def test_who_is_not_heard_proves_nothing_by_silence() -> None:
    assert judge("said", Run().end(), words="error", count=0).verdict is Verdict.UNKNOWN


def test_the_last_figure_and_the_greatest() -> None:
    run = figures(Run(), 0, 7, 3)
    assert (
        judge("figures", run.end(), of="write queue", figure="discarded.nf", peak=7).observed == 7
    )
    found = judge("figures", run.end(), of="write queue", figure="discarded.nf", at_end=7)
    assert (found.verdict, found.observed) == (Verdict.FAIL, 3)


def test_a_figure_that_is_not_there_is_unknown_and_the_finding_says_which_are() -> None:
    run = figures(Run(), 1).end()
    found = judge("figures", run, of="main Q", figure="size", peak=0)
    assert (found.verdict, "write queue" in found.why) == (Verdict.UNKNOWN, True)
    found = judge("figures", run, of="write queue", figure="size", peak=0)
    assert (found.verdict, "discarded.nf" in found.why) == (Verdict.UNKNOWN, True)
    found = judge("figures", Run().end(), of="write queue", figure="size", peak=0)
    assert (found.verdict, "impstats" in found.why) == (Verdict.UNKNOWN, True)


def test_the_kernels_count_of_probes() -> None:
    found = judge("keepalive probes", keepalives(Run(), 0, 1, 4).end(), count="at least 2")
    assert (found.verdict, found.observed, len(found.evidence)) == (Verdict.PASS, 4, 2)
    found = judge("keepalive probes", keepalives(Run(), 0, 1).end(), count=0)
    assert (found.verdict, found.observed) == (Verdict.FAIL, 1)
    assert judge("keepalive probes", Run().end(), count=0).verdict is Verdict.UNKNOWN


def test_half_a_run_passes_none_of_them() -> None:
    run = keepalives(figures(said(Run(), "closed"), 1), 1).history()
    assert judge("said", run, words="closed").verdict is Verdict.UNKNOWN
    of = {"of": "write queue", "figure": "discarded.nf"}
    assert judge("figures", run, **of, at_end=1).verdict is Verdict.UNKNOWN
    assert judge("keepalive probes", run, count=1).verdict is Verdict.UNKNOWN
    # What cannot be undone fails all the same.
    assert judge("keepalive probes", run, count=0).verdict is Verdict.FAIL


def test_figures_need_a_bound() -> None:
    params = all_checks()["figures"].params
    with pytest.raises(ValidationError, match="needs"):
        params.model_validate({"at": "receiver", "of": "write queue", "figure": "size"})
