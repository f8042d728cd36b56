"""The check `accept queue`."""

from __future__ import annotations

from typing import Any

from halfopen.checkers.accept_queue import AcceptQueue
from halfopen.model.history import History
from halfopen.model.verdict import Verdict
from halfopen.ports import Finding

from .histories import LISTEN, Run, mine


def judge(history: History, **params: object) -> Finding:
    return AcceptQueue.model_validate({"at": "receiver", **params}).judge(history)


def waiting(port: int = 40001, **more: Any) -> dict[str, Any]:
    """A connection that the kernel made and nobody holds."""
    return mine(port, **{"pid": 0, "rqueue": 95, **more})


def samples(run: Run, first: float, last: float, *sockets: dict[str, Any]) -> Run:
    """The same sockets, sampled each 50 ms."""
    count = round((last - first) / 0.05)
    for step in range(count + 1):
        run.at(first + step * 0.05).sockets("receiver", LISTEN, *sockets)
    return run


def test_a_connection_that_nobody_accepts_is_counted() -> None:
    run = samples(Run(), 1, 2, mine(), waiting(40002), waiting(40003))
    found = judge(run.end(), peak=0)
    assert (found.verdict, found.observed) == (Verdict.FAIL, 2)
    assert "95 bytes unread" in found.evidence[0].text


def test_one_that_is_accepted_after_a_while_counts_for_the_peak_and_not_at_the_end() -> None:
    run = samples(samples(Run(), 1, 2, waiting()), 2.05, 3, mine())
    assert judge(run.end(), **{"at end": 0}).verdict is Verdict.PASS
    assert judge(run.end(), peak=0).observed == 1


def test_accepting_takes_a_moment() -> None:
    run = samples(samples(Run(), 1, 1.05, waiting()), 1.1, 2, mine())
    assert judge(run.end(), peak=0).verdict is Verdict.PASS


def test_what_a_program_has_closed_was_accepted_once() -> None:
    run = samples(Run(), 1, 2, waiting(state="FIN_WAIT1"), waiting(40002, state="LAST_ACK"))
    assert judge(run.end(), peak=0).verdict is Verdict.PASS


def test_not_accepted_needs_samples_and_cannot_pass_half_a_run() -> None:
    assert judge(Run().end(), peak=0).verdict is Verdict.UNKNOWN
    killed = samples(Run(), 1, 2, mine())
    assert judge(killed.history(), peak=0).verdict is Verdict.UNKNOWN
    stuck = samples(Run(), 1, 2, waiting())
    assert judge(stuck.history(), peak=0).verdict is Verdict.FAIL


def test_a_program_that_had_no_cpu_may_just_have_been_late() -> None:
    run = samples(samples(Run(), 1, 1.5, waiting()), 1.55, 3, mine())
    run.at(2).add("machine", late_s=0.6, idle=0.0)
    run.records.sort(key=lambda record: record["t"])
    found = judge(run.at(3.1).end(), peak=0)
    assert (found.verdict, found.late_s) == (Verdict.UNKNOWN, 0.6)
