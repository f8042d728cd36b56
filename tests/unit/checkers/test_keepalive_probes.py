"""The check `keepalive probes`."""

from __future__ import annotations

from halfopen.checkers.keepalive_probes import KeepaliveProbes
from halfopen.model.history import History
from halfopen.model.verdict import Verdict
from halfopen.ports import Finding

from .histories import Run


def judge(history: History, **params: object) -> Finding:
    return KeepaliveProbes.model_validate({"at": "receiver", **params}).judge(history)


def keepalives(run: Run, *counts: int) -> Run:
    for number, count in enumerate(counts):
        run.at(number).add("keepalives", host="receiver", sent=count)
    return run


def test_the_kernels_count_of_probes() -> None:
    found = judge(keepalives(Run(), 0, 1, 4).end(), count="at least 2")
    assert (found.verdict, found.observed, len(found.evidence)) == (Verdict.PASS, 4, 2)
    found = judge(keepalives(Run(), 0, 1).end(), count=0)
    assert (found.verdict, found.observed) == (Verdict.FAIL, 1)
    assert judge(Run().end(), count=0).verdict is Verdict.UNKNOWN


def test_half_a_run_does_not_pass_but_what_cannot_be_undone_fails() -> None:
    run = keepalives(Run(), 1).history()
    assert judge(run, count=1).verdict is Verdict.UNKNOWN
    assert judge(run, count=0).verdict is Verdict.FAIL
