"""Checks of what programs do with connections and the CPU: not accepted, busy."""

from __future__ import annotations

from typing import Any

import pytest

from halfopen.checkers import all_checks
from halfopen.model.history import History
from halfopen.model.verdict import Verdict
from halfopen.ports import Finding

from .histories import LISTEN, Run, mine


def judge(name: str, history: History, **params: Any) -> Finding:
    spec = all_checks()[name]
    return spec.judge(history, spec.params.model_validate({"at": "receiver", **params}))


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
    found = judge("not accepted", run.end(), peak=0)
    assert (found.verdict, found.observed) == (Verdict.FAIL, 2)
    assert "95 octets of it unread" in found.evidence[0].text


def test_one_that_is_accepted_after_a_while_counts_for_the_peak_and_not_at_the_end() -> None:
    run = samples(samples(Run(), 1, 2, waiting()), 2.05, 3, mine())
    assert judge("not accepted", run.end(), **{"at end": 0}).verdict is Verdict.PASS
    assert judge("not accepted", run.end(), peak=0).observed == 1


def test_accepting_takes_a_moment() -> None:
    run = samples(samples(Run(), 1, 1.05, waiting()), 1.1, 2, mine())
    assert judge("not accepted", run.end(), peak=0).verdict is Verdict.PASS


def test_what_a_program_has_closed_was_accepted_once() -> None:
    run = samples(Run(), 1, 2, waiting(state="FIN_WAIT1"), waiting(40002, state="LAST_ACK"))
    assert judge("not accepted", run.end(), peak=0).verdict is Verdict.PASS


def test_not_accepted_needs_samples_and_cannot_pass_half_a_run() -> None:
    assert judge("not accepted", Run().end(), peak=0).verdict is Verdict.UNKNOWN
    killed = samples(Run(), 1, 2, mine())
    assert judge("not accepted", killed.history(), peak=0).verdict is Verdict.UNKNOWN
    stuck = samples(Run(), 1, 2, waiting())
    assert judge("not accepted", stuck.history(), peak=0).verdict is Verdict.FAIL


def cpu(run: Run, *shares: float) -> Run:
    """Samples a second apart; in each second the program took that share of a CPU."""
    used = 0.0
    for second, share in enumerate((0.0, *shares)):
        used += share
        more = {"process": "relpio", "pid": 20, "counts": {}, "limit": 64, "cpu_s": used}
        run.at(second).add("fds", host="receiver", **more)
    return run


@pytest.mark.parametrize(
    ("shares", "verdict", "observed"),
    [
        ((0.0, 0.1, 0.0, 0.1), Verdict.PASS, 5),
        ((0.0, 1.0, 0.0, 0.0, 0.0), Verdict.PASS, 50),  # a burst
        ((0.0, 1.0, 1.0, 0.0), Verdict.FAIL, 100),
        ((0.0, 0.0, 0.0, 0.6, 0.6, 0.6), Verdict.FAIL, 60),
    ],
)
def test_what_spins_is_told_from_a_burst(
    shares: tuple[float, ...], verdict: Verdict, observed: float
) -> None:
    found = judge("busy", cpu(Run(), *shares).end(), **{"at most": "50 %"})
    assert (found.verdict, found.observed) == (verdict, observed)


def test_busy_needs_two_seconds_and_a_whole_run() -> None:
    ask = {"at most": "50 %"}
    assert judge("busy", cpu(Run(), 1.0).end(), **ask).verdict is Verdict.UNKNOWN
    assert judge("busy", cpu(Run(), 0.0, 0.0).history(), **ask).verdict is Verdict.UNKNOWN
    assert judge("busy", cpu(Run(), 1.0, 1.0).history(), **ask).verdict is Verdict.FAIL
