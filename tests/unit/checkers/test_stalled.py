"""The check `stalled`."""

from __future__ import annotations

from halfopen.checkers.stalled import Stalled
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

from .histories import Run, flow, mine, theirs


def judge(history: History, within: float = 5.0) -> Finding:
    return Stalled.model_validate({"at": "sender", "within": within}).judge(history)


def opened() -> Run:
    return Run().acked().log("session-open").both([theirs()], [mine()])


def test_a_sender_that_never_notices_fails_though_no_session_was_lost() -> None:
    history = opened().at(1).sent(1).at(2).acked(1).at(10).sent(2, 3).at(20).end()
    assert judge(history) == Finding(
        Verdict.FAIL,
        10,
        "within 5 s",
        "messages 2-3 waited at an open session, at worst 10 s, until the end",
        (Evidence(10, "messages 2-3 waited from 10 s on for 10 s, until the end"),),
    )
    assert judge(history, 12.0).verdict is Verdict.UNKNOWN


def test_what_is_acknowledged_in_the_end_may_have_waited_too_long() -> None:
    history = opened().at(1).sent(1).at(9).acked(1).at(20).end()
    assert (judge(history).verdict, judge(history).observed) == (Verdict.FAIL, 8)
    assert judge(history).why == "message 1 waited at an open session, at worst 8 s"
    assert judge(history, 9.0) == Finding(
        Verdict.PASS, 8, "within 9 s", "nothing waited at an open session for longer than 8 s"
    )


def test_without_a_session_nothing_is_stalled() -> None:
    run = opened().at(1).sent(1).at(3).log("session-lost", reason="reset").at(30)
    assert judge(run.log("session-open").at(31).acked(1).end()).observed == 2
    # Nor after the end of the program that had it.
    run = (
        opened().at(1).sent(1).at(3).add("process", host="sender", process="relpio", state="exited")
    )
    assert judge(run.at(30).log("session-open").at(60).end()).observed == 2


def test_a_backlog_that_is_worked_off_is_not_stalled() -> None:
    run = opened().at(1).sent(1, 2, 3)
    for number in (1, 2, 3):
        run.at(1 + 4 * number).acked(number)
    assert (judge(run.end()).verdict, judge(run.end()).observed) == (Verdict.PASS, 4)


def test_a_message_that_others_overtake_is_stalled() -> None:
    run = opened().at(1).sent(1, 2, 3).at(2).acked(1).at(3).acked(3).at(20)
    assert (judge(run.end()).verdict, judge(run.end()).observed) == (Verdict.FAIL, 18)


def test_a_program_that_records_no_acknowledgement_is_judged_by_its_sockets() -> None:
    run = Run().sent(1).both([theirs(wqueue=0)], [mine()])
    run.at(1).both([theirs(wqueue=90, timer="retransmit", last_heard_s=1.0)], [mine()])
    run.at(8).both([theirs(wqueue=90, timer="retransmit", last_heard_s=8.0)], [mine()])
    assert judge(run.at(10).end()) == Finding(
        Verdict.FAIL,
        9,
        "within 5 s",
        "90 bytes waited at an open session, at worst 9 s, until the end",
        (Evidence(1, "90 bytes waited from 1 s on for 9 s, until the end", flow()),),
    )


def test_what_is_heard_is_progress_unless_the_window_is_closed() -> None:
    def heard(timer: str) -> History:
        run = Run().sent(1)
        for t in range(1, 11):
            run.at(t).both([theirs(wqueue=90, timer=timer, last_heard_s=0.5)], [mine()])
        return run.both([theirs()], [mine()]).end()

    assert judge(heard("retransmit")).verdict is Verdict.PASS
    assert (judge(heard("persist")).verdict, judge(heard("persist")).observed) == (Verdict.FAIL, 9)


def test_nothing_at_stake_is_unknown() -> None:
    assert judge(opened().at(9).end()).why == "no message was sent to sender"
    assert judge(Run().sent(1).at(9).end()).verdict is Verdict.UNKNOWN
    assert judge(opened().sent(1).at(1).acked(1).history()).verdict is Verdict.UNKNOWN


def test_a_receiver_that_had_no_cpu_excuses_the_wait() -> None:
    def history(waited: float) -> History:
        run = opened()
        for t, so_far in ((2, 0.0), (12, waited)):
            more = {"process": "relpio", "pid": 20, "counts": {}, "limit": 64, "cpu_s": 0.1}
            run.at(t).add("fds", host="receiver", waited_s=so_far, **more)
        run.at(3).sent(1).at(11).acked(1)
        run.records.sort(key=lambda record: record["t"])
        return run.at(20).end()

    assert judge(history(2.0)).verdict is Verdict.FAIL
    found = judge(history(4.0))
    assert (found.verdict, found.late_s) == (Verdict.UNKNOWN, 4.0)
