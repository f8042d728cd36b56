"""The check `reconnect`."""

from __future__ import annotations

from halfopen.checkers.reconnect import Reconnect
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

from .histories import Run, incident, mine, theirs


def judge(history: History, within: object) -> Finding:
    return Reconnect.model_validate({"at": "sender", "within": within}).judge(history)


def test_reconnect_is_measured_from_the_first_message_into_the_dead_flow() -> None:
    assert judge(incident().end(), 5.0) == Finding(
        Verdict.PASS,
        3,
        "within 5 s",
        "1 session lost, a new one after at most 3 s",
        (
            Evidence(
                22,
                "session given up at 22 s (ack-timeout), the next open 3 s after "
                "the first message after the flow was forgotten",
            ),
        ),
    )
    assert judge(incident().end(), 2.0).verdict is Verdict.FAIL


def test_reconnect_without_a_middlebox_goes_by_what_was_not_acknowledged() -> None:
    run = Run().log("session-open").at(1).sent(1).acked(1).at(5).sent(2)
    history = run.at(7).log("session-lost", reason="reset").at(8).log("session-open").end()
    assert judge(history, 9.0).observed == 3


def test_reconnect_after_a_fault() -> None:
    run = Run().log("session-open").at(1).add("fault", name="cut", state="begin").at(2).sent(1)
    history = run.at(4).log("session-lost", reason="reset").at(5).log("session-open").end()
    assert judge(history, 9.0).observed == 3


def test_failed_attempts_are_not_losses_and_never_is_a_failure() -> None:
    run = Run().log("session-open").at(1).log("session-lost", reason="reset")
    run.at(2).log("session-lost", reason="connect-failed").at(9)
    finding = judge(run.end(), 5.0)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 8)
    assert "1 of 1" in finding.why
    assert judge(run.end(), 8.0).verdict is Verdict.UNKNOWN


def test_no_session_was_lost() -> None:
    assert judge(Run().log("session-open").end(), 5.0) == Finding(
        Verdict.PASS, 0, "within 5 s", "no session was lost"
    )
    assert judge(Run().log("session-open").history(), 5.0).verdict is Verdict.UNKNOWN


def test_reconnect_of_a_program_without_a_log_goes_by_its_sockets() -> None:
    run = Run().both([theirs()], [mine()]).at(4).both([], [mine()])
    history = run.at(6).both([theirs(40002)], [mine(), mine(40002)]).at(9).end()
    assert judge(history, 2.0).observed == 2
    assert judge(Run().end(), 2.0).verdict is Verdict.UNKNOWN
    assert judge(Run().both([], []).end(), 2.0).verdict is Verdict.UNKNOWN


def test_reconnect_in_a_killed_run() -> None:
    assert judge(incident().history(), 5.0).verdict is Verdict.UNKNOWN
    assert judge(incident().history(), 2.0).verdict is Verdict.FAIL


def test_a_sender_that_never_notices_has_not_reconnected_quickly() -> None:
    run = Run().log("session-open").entry("created").both([theirs()], [mine()])
    run.at(1).sent(1).acked(1).at(10).entry("destroyed", cause="expired").at(20).sent(2)
    history = run.at(40).both([theirs()], [mine()]).end()
    finding = judge(history, 5.0)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 20)
    assert "never noticed" in finding.evidence[0].text
    assert judge(history, 30.0).verdict is Verdict.UNKNOWN
    # Whoever is answered has a path, whatever a table says.
    answered = Run().log("session-open").entry("created").both([theirs()], [mine()])
    answered.at(1).sent(1).acked(1).at(10).entry("destroyed", cause="expired").at(20).sent(2)
    assert judge(answered.at(21).acked(2).at(40).end(), 5.0).verdict is Verdict.PASS


def test_a_session_that_is_open_at_the_end_and_never_answers_is_lost() -> None:
    run = Run().acked().log("session-open").both([theirs()], [mine()]).at(1).sent(1).acked(1)
    run.add("fault", name="silent drop", state="begin").at(10).sent(2)
    history = run.at(40).both([theirs()], [mine()]).end()
    assert judge(history, 5.0) == Finding(
        Verdict.FAIL,
        30,
        "within 5 s",
        "1 of 1 reconnects took too long or never came, at worst 30 s",
        (
            Evidence(
                10,
                "session still open at the end, 30 s after the first that was not acknowledged: "
                "never noticed by the sender",
            ),
        ),
    )
    assert judge(history, 31.0).verdict is Verdict.PASS


def test_each_of_several_connections_reconnects_by_itself() -> None:
    run = Run().log("session-open", connection=1).log("session-open", connection=2)
    run.at(1).log("session-lost", connection=1).at(2).log("session-lost", connection=2)
    history = run.at(3).log("session-open", connection=2).at(9).end()
    finding = judge(history, 5.0)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 8)
    assert "1 of 2" in finding.why
