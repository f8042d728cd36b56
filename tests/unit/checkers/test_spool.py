"""The check `spool`."""

from __future__ import annotations

from halfopen.checkers.spool import Spool
from halfopen.model.history import History
from halfopen.model.verdict import Verdict
from halfopen.ports import Finding

from .histories import Run


def judge(history: History, **params: object) -> Finding:
    return Spool.model_validate({**params}).judge(history)


def spools(run: Run, *octets: int, path: str = "queue") -> Run:
    for second, each in enumerate(octets):
        run.at(second).add(
            "spool", host="sender", process="relpio-send", path=path, files=1, bytes=each
        )
    return run


def test_the_most_and_the_last_on_disk() -> None:
    run = spools(Run(), 0, 5000, 300).end()
    assert judge(run, at="sender", peak="at most 5000").verdict is Verdict.PASS
    found = judge(run, at="sender", peak="at most 4999")
    assert (found.verdict, found.observed) == (Verdict.FAIL, 5000)
    assert judge(run, at="sender", at_end="at most 300").verdict is Verdict.PASS
    assert judge(run, at="sender", at_end=0).observed == 300


def test_spools_of_one_host_are_added() -> None:
    run = spools(spools(Run(), 100), 200, path="other").end()
    assert judge(run, at="sender", peak=300).verdict is Verdict.PASS


def test_a_host_without_spool_is_unknown_and_half_a_run_passes_nothing() -> None:
    assert judge(Run().end(), at="sender", peak=0).verdict is Verdict.UNKNOWN
    assert judge(spools(Run(), 5).history(), at="sender", peak=5).verdict is (Verdict.UNKNOWN)
    assert judge(spools(Run(), 5).history(), at="sender", peak=4).verdict is Verdict.FAIL
