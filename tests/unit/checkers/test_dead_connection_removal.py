"""The check `dead connection removal`."""

from __future__ import annotations

import pytest

from halfopen.checkers.dead_connection_removal import DeadConnectionRemoval
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

from .histories import LISTEN, Run, flow, incident, mine, theirs


def judge(history: History, **params: object) -> Finding:
    return DeadConnectionRemoval.model_validate({"at": "receiver", **params}).judge(history)


def cleaned(gone: float = 20.0) -> Run:
    """The peer was heard at 1 s; the socket goes at `gone`."""
    run = Run().both([], []).at(1).both([theirs()], [mine(last_heard_s=0.0)])
    run.at(2).both([], [mine(last_heard_s=1.0, timer="keepalive", retrans=3)])
    return run.at(gone).both([], []).at(gone + 1)


def test_clean_up_in_time() -> None:
    assert judge(cleaned().end(), within=20.0, not_before=18.0) == Finding(
        Verdict.PASS,
        19,
        "within 20 s, not before 18 s",
        "1 of 1 dead connections were cleaned up in time",
        (
            Evidence(
                20,
                "10.0.2.2:2514 of 10.0.1.1:40001: gone 19 s after its peer was last heard; "
                "3 keepalive probes unanswered when last seen",
                flow(),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("within", "not_before", "why"),
    [(18.0, 0.0, "stayed for too long"), (30.0, 25.0, "went too early")],
)
def test_clean_up_too_late_or_too_early(within: float, not_before: float, why: str) -> None:
    finding = judge(cleaned().end(), within=within, not_before=not_before)
    assert finding.verdict is Verdict.FAIL
    assert why in finding.why


def test_clean_up_gives_the_sampler_the_benefit_of_one_sample() -> None:
    assert judge(cleaned(20.04).end(), within=19.0).verdict is Verdict.PASS
    assert judge(cleaned(20.06).end(), within=19.0).verdict is Verdict.FAIL


def test_clean_up_of_what_is_still_there() -> None:
    assert judge(incident().end(), within=20.0).verdict is Verdict.FAIL
    assert judge(incident().history(), within=20.0).verdict is Verdict.FAIL
    finding = judge(incident().end(), within=100.0)
    assert finding.verdict is Verdict.UNKNOWN
    assert "still there, but younger" in finding.why


def test_clean_up_of_a_path_that_was_forgotten_while_both_sides_believe() -> None:
    run = Run().at(1).entry("created").both([theirs()], [mine(last_heard_s=0.0)])
    run.at(11).entry("destroyed", cause="expired")
    run.at(12).both([theirs()], [mine(last_heard_s=11.0)])
    history = run.at(16).both([], []).at(17).end()
    finding = judge(history, within=15.0, not_before=14.0)
    assert (finding.verdict, finding.observed) == (Verdict.PASS, 15)


def test_clean_up_nothing_died() -> None:
    history = Run().both([theirs()], [mine()]).at(9).both([], []).at(10).end()
    finding = judge(history, within=1.0)
    assert finding == Finding(
        Verdict.UNKNOWN, None, "within 1 s", "no connection died at receiver: nothing to measure"
    )


def test_a_socket_that_went_with_its_program_was_not_cleaned_up() -> None:
    run = Run().both([], []).at(1).both([theirs()], [mine()]).at(2).both([], [mine()])
    run.at(5).add("process", host="receiver", process="relpio", pid=20, state="exited", status=0)
    finding = judge(run.at(5.02).both([], []).at(6).end(), within=1.0)
    assert finding.verdict is Verdict.UNKNOWN


def test_clean_up_unknown_without_samples_and_in_a_killed_run() -> None:
    assert judge(Run().end(), within=1.0).verdict is Verdict.UNKNOWN
    assert judge(cleaned().history(), within=20.0).verdict is Verdict.UNKNOWN


def test_clean_up_timers() -> None:
    params = DeadConnectionRemoval.model_validate({"at": "r", "within": "4 h", "not before": "2 h"})
    timers = [(t.seconds, t.measures) for t in params.timers()]
    assert timers == [(14400.0, "silence"), (7200.0, "silence")]
    assert params.hosts() == ("r",)


def test_a_socket_that_was_told_of_the_end_is_not_a_dead_connection() -> None:
    leaving = mine(state="CLOSE_WAIT")
    run = Run().at(1).both([theirs()], [mine()]).at(3).both([], [LISTEN, leaving])
    history = run.at(9).both([], [LISTEN, leaving]).at(12).both([], [LISTEN]).end()
    assert judge(history, within=4.0).verdict is Verdict.UNKNOWN
