"""The check `fds`."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from halfopen.checkers.fds import Fds
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

from .histories import Run


def judge(history: History, **params: object) -> Finding:
    return Fds.model_validate({"at": "receiver", **params}).judge(history)


def test_fds_at_end_and_peak() -> None:
    history = Run(scale=600).fds(0).at(1).fds(2).at(2).fds(1).end()
    assert judge(history, at_end=1, peak="at most 2") == Finding(
        Verdict.PASS,
        1,
        "at end exactly 1, peak at most 2",
        "tcp descriptors: at end 1, peak 2",
        (
            Evidence(1, "tcp descriptors at receiver: 0 to 2 at 10 min"),
            Evidence(2, "tcp descriptors at receiver: 2 to 1 at 20 min"),
        ),
    )
    finding = judge(history, at_end=1, peak="at most 1")
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 2)


def test_fds_are_summed_over_programs_and_kinds() -> None:
    run = Run().fds(1, pid=1).fds(2, pid=2)
    assert judge(run.end(), at_end=3).verdict is Verdict.PASS
    assert judge(run.end(), kind="all", at_end=9).verdict is Verdict.PASS
    assert judge(run.end(), kind="pipe", at_end=0).verdict is Verdict.PASS
    gone = run.add("process", host="receiver", process="relpio", pid=2, state="exited", status=0)
    assert judge(gone.end(), at_end=1).verdict is Verdict.PASS


def stair(steps: int, falls: bool = False) -> History:
    run = Run(waits=steps)
    for step in range(steps):
        run.at(10 * step).fds(step + 1)
        if falls:
            run.at(10 * step + 5).fds(1)
    return run.at(10 * steps).end()


def test_one_descriptor_in_each_idle_period_is_a_leak() -> None:
    finding = judge(stair(4), trend="flat")
    assert finding.verdict is Verdict.FAIL
    assert "in each of 4 idle periods" in finding.why
    assert judge(stair(4, falls=True), trend="flat").verdict is Verdict.PASS


def test_a_single_step_is_no_trend() -> None:
    history = Run(waits=4).fds(1).at(25).fds(2).at(40).end()
    assert judge(history, trend="flat").verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("history", "bounds"),
    [
        (Run().end(), {"at_end": 0}),
        (Run().fds(0).at(9).end(), {"trend": "flat"}),
        (Run().fds(1).at(0.1).end(), {"trend": "flat"}),
        (Run().fds(1).at(9).history(), {"trend": "flat"}),
        (Run().fds(1).at(9).end("interrupted"), {"at_end": 1}),
        (Run().fds(2).at(9).end("interrupted"), {"at_end": 1}),
    ],
)
def test_fds_unknown(history: History, bounds: dict[str, object]) -> None:
    assert judge(history, **bounds).verdict is Verdict.UNKNOWN


def test_fds_something_must_be_asked() -> None:
    with pytest.raises(ValueError, match="needs"):
        Fds(at="x")


def test_a_kind_that_is_not_counted_is_refused() -> None:
    with pytest.raises(ValidationError, match="'tcp', 'listen'"):
        Fds.model_validate({"at": "receiver", "kind": "tpc", "at_end": 0})


def test_all_descriptors_together() -> None:
    run = Run().add("fds", host="receiver", process="p", pid=1, counts={"tcp": 2, "file": 3})
    assert judge(run.end(), kind="all", at_end=5).verdict is Verdict.PASS
    assert judge(run.end(), kind="file", at_end=3).verdict is Verdict.PASS
