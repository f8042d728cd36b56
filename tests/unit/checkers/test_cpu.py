"""The check `cpu`."""

from __future__ import annotations

import pytest

from halfopen.checkers.cpu import Cpu
from halfopen.model.history import History
from halfopen.model.verdict import Verdict
from halfopen.ports import Finding

from .histories import Run


def judge(history: History, **params: object) -> Finding:
    return Cpu.model_validate({"at": "receiver", **params}).judge(history)


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
    found = judge(cpu(Run(), *shares).end(), **{"at most": "50 %"})
    assert (found.verdict, found.observed) == (verdict, observed)


def test_busy_needs_two_seconds_and_a_whole_run() -> None:
    ask = {"at most": "50 %"}
    assert judge(cpu(Run(), 1.0).end(), **ask).verdict is Verdict.UNKNOWN
    assert judge(cpu(Run(), 0.0, 0.0).history(), **ask).verdict is Verdict.UNKNOWN
    assert judge(cpu(Run(), 1.0, 1.0).history(), **ask).verdict is Verdict.FAIL


def waiting(run: Run, *seconds: tuple[float, float]) -> Run:
    """As :func:`cpu`, for (share that it ran, share that it waited for a CPU)."""
    used = waited = 0.0
    for second, (ran, kept) in enumerate(((0.0, 0.0), *seconds)):
        used, waited = used + ran, waited + kept
        more = {"process": "relpio", "pid": 20, "counts": {}, "limit": 64, "cpu_s": used}
        run.at(second).add("fds", host="receiver", waited_s=waited, **more)
    return run


def test_what_spins_on_a_busy_machine_takes_all_that_there_was() -> None:
    spinning = [(0.25, 0.75)] * 10
    found = judge(waiting(Run(), *spinning).end(), **{"at most": "50 %"})
    assert (found.verdict, found.observed) == (Verdict.FAIL, 100)


def test_a_burst_that_was_kept_waiting_is_still_a_burst() -> None:
    burst = [(0.3, 0.7)] * 3 + [(0.0, 0.0)] * 4
    assert judge(waiting(Run(), *burst).end(), **{"at most": "50 %"}).verdict is Verdict.PASS


def test_threads_that_wait_at_the_same_time_do_not_hide_what_ran() -> None:
    spinning = [(0.5, 3.5)] * 6
    assert judge(waiting(Run(), *spinning).end(), **{"at most": "80 %"}).verdict is Verdict.FAIL


def test_a_program_that_was_never_given_two_seconds_is_unknown() -> None:
    run = waiting(Run(), *[(0.1, 0.9)] * 4)
    for second in range(5):
        more = {"process": "other", "pid": 21, "counts": {}, "limit": 64, "cpu_s": 0.0}
        run.at(second).add("fds", host="receiver", waited_s=0.0, **more)
    run.records.sort(key=lambda record: record["t"])
    found = judge(run.at(5).end(), **{"at most": "50 %"})
    assert found.verdict is Verdict.UNKNOWN
    assert found.late_s == pytest.approx(3.6)
