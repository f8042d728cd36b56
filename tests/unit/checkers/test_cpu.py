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
