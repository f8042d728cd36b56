"""The check `counters`."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from halfopen.checkers.counters import Counters
from halfopen.model.history import History
from halfopen.model.verdict import Verdict
from halfopen.ports import Finding

from .histories import Run


def judge(history: History, **params: object) -> Finding:
    return Counters.model_validate({"at": "receiver", **params}).judge(history)


def counted(run: Run, *values: int, name: str = "write queue") -> Run:
    for number, value in enumerate(values):
        record = {"name": name, "origin": "core.queue", "values": {"discarded.nf": value}}
        run.at(number).add("impstats", host="receiver", process="rsyslog-receive", **record)
    return run


def test_the_last_value_and_the_greatest() -> None:
    run = counted(Run(), 0, 7, 3)
    assert judge(run.end(), of="write queue", counter="discarded.nf", peak=7).observed == 7
    found = judge(run.end(), of="write queue", counter="discarded.nf", at_end=7)
    assert (found.verdict, found.observed) == (Verdict.FAIL, 3)


def test_a_counter_that_is_not_there_is_unknown_and_the_finding_says_which_are() -> None:
    run = counted(Run(), 1).end()
    found = judge(run, of="main Q", counter="size", peak=0)
    assert (found.verdict, "write queue" in found.why) == (Verdict.UNKNOWN, True)
    found = judge(run, of="write queue", counter="size", peak=0)
    assert (found.verdict, "discarded.nf" in found.why) == (Verdict.UNKNOWN, True)
    found = judge(Run().end(), of="write queue", counter="size", peak=0)
    assert (found.verdict, "impstats" in found.why) == (Verdict.UNKNOWN, True)


def test_a_bound_is_needed() -> None:
    with pytest.raises(ValidationError, match="needs"):
        Counters.model_validate({"at": "receiver", "of": "write queue", "counter": "size"})


def test_half_a_run_does_not_pass() -> None:
    of = {"of": "write queue", "counter": "discarded.nf"}
    assert judge(counted(Run(), 1).history(), **of, at_end=1).verdict is Verdict.UNKNOWN
