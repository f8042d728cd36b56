"""The check `time to connect`."""

from __future__ import annotations

from typing import Any

from halfopen.checkers.time_to_connect import TimeToConnect
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

from .histories import Run, mine, theirs


def judge(history: History, within: float = 5.0) -> Finding:
    return TimeToConnect.model_validate({"at": "sender", "within": within}).judge(history)


def process(run: Run, state: str, **more: Any) -> Run:
    return run.add("process", host="sender", process="relpio", state=state, **more)


def test_each_start_is_measured_until_the_first_session() -> None:
    run = process(Run().at(1), "started").at(3).log("session-open")
    run = process(run.at(10), "exited", asked=True)
    run = process(run.at(11), "started").at(15).log("session-open").at(20)
    assert judge(run.end()) == Finding(
        Verdict.PASS,
        4,
        "within 5 s",
        "2 starts, connected after at most 4 s",
        (
            Evidence(1, "started at 1 s, connected after 2 s"),
            Evidence(11, "started at 11 s, connected after 4 s"),
        ),
    )
    assert judge(run.end(), 3.0).why == "1 of 2 starts took too long to connect; at worst 4 s"
    assert judge(run.end(), 3.0).verdict is Verdict.FAIL


def test_a_program_that_never_connects() -> None:
    run = process(Run().at(1), "started").log("connecting").both([], []).at(9)
    finding = judge(run.end())
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 8)
    assert "1 of them never did" in finding.why
    assert judge(run.end(), 9.0).verdict is Verdict.UNKNOWN
    stopped = process(run, "exited", asked=True).end()
    assert judge(stopped).why == "every program of sender was stopped before it connected"


def test_a_program_without_a_log_goes_by_its_sockets() -> None:
    run = process(Run().at(1), "started").both([], []).at(4).both([theirs()], [mine()]).at(9)
    assert judge(run.history()).verdict is Verdict.UNKNOWN
    assert (judge(run.end()).verdict, judge(run.end()).observed) == (Verdict.PASS, 3)
    assert judge(Run().at(9).end()).why == "at sender no program was ever started"
