"""File descriptors, reconnects, idle drops."""

from __future__ import annotations

import pytest

from halfopen.checkers import fds, idle_drops, reconnect
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

from .histories import Run, client, flow, incident, mine, theirs


def held(history: History, **bounds: object) -> Finding:
    return fds.CHECK.judge(history, fds.Params.model_validate({"at": "receiver", **bounds}))


def again(history: History, within: float) -> Finding:
    return reconnect.CHECK.judge(history, reconnect.Params(at="sender", within=within))


def drops(history: History, count: object) -> Finding:
    params = idle_drops.Params.model_validate({"at": "firewall", "count": count})
    return idle_drops.CHECK.judge(history, params)


def test_fds_at_end_and_peak() -> None:
    history = Run(scale=600).fds(0).at(1).fds(2).at(2).fds(1).end()
    assert held(history, at_end=1, peak="at most 2") == Finding(
        Verdict.PASS,
        1,
        "at end exactly 1, peak at most 2",
        "tcp descriptors: at end 1, peak 2",
        (
            Evidence(1, "tcp descriptors at receiver: 0 to 2 at 10 min"),
            Evidence(2, "tcp descriptors at receiver: 2 to 1 at 20 min"),
        ),
    )
    finding = held(history, at_end=1, peak="at most 1")
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 2)


def test_fds_are_summed_over_programs_and_kinds() -> None:
    run = Run().fds(1, pid=1).fds(2, pid=2)
    assert held(run.end(), at_end=3).verdict is Verdict.PASS
    assert held(run.end(), kind="all", at_end=9).verdict is Verdict.PASS
    assert held(run.end(), kind="pipe", at_end=0).verdict is Verdict.PASS
    gone = run.add("process", host="receiver", process="relpio", pid=2, state="exited", status=0)
    assert held(gone.end(), at_end=1).verdict is Verdict.PASS


def stair(steps: int, falls: bool = False) -> History:
    run = Run(waits=steps)
    for step in range(steps):
        run.at(10 * step).fds(step + 1)
        if falls:
            run.at(10 * step + 5).fds(1)
    return run.at(10 * steps).end()


def test_one_descriptor_in_each_idle_period_is_a_leak() -> None:
    finding = held(stair(4), trend="flat")
    assert finding.verdict is Verdict.FAIL
    assert "in each of 4 idle periods" in finding.why
    assert held(stair(4, falls=True), trend="flat").verdict is Verdict.PASS


def test_a_single_step_is_no_trend() -> None:
    history = Run(waits=4).fds(1).at(25).fds(2).at(40).end()
    assert held(history, trend="flat").verdict is Verdict.PASS


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
    assert held(history, **bounds).verdict is Verdict.UNKNOWN


def test_fds_something_must_be_asked() -> None:
    with pytest.raises(ValueError, match="needs"):
        fds.Params(at="x")


def test_reconnect_is_measured_from_the_first_message_into_the_dead_flow() -> None:
    assert again(incident().end(), 5.0) == Finding(
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
    assert again(incident().end(), 2.0).verdict is Verdict.FAIL


def test_reconnect_without_a_middlebox_goes_by_what_was_not_acknowledged() -> None:
    run = Run().log("session-open").at(1).sent(1).acked(1).at(5).sent(2)
    history = run.at(7).log("session-lost", reason="reset").at(8).log("session-open").end()
    assert again(history, 9.0).observed == 3


def test_reconnect_after_a_fault() -> None:
    run = Run().log("session-open").at(1).add("fault", name="cut", state="begin").at(2).sent(1)
    history = run.at(4).log("session-lost", reason="reset").at(5).log("session-open").end()
    assert again(history, 9.0).observed == 3


def test_failed_attempts_are_not_losses_and_never_is_a_failure() -> None:
    run = Run().log("session-open").at(1).log("session-lost", reason="reset")
    run.at(2).log("session-lost", reason="connect-failed").at(9)
    finding = again(run.end(), 5.0)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 8)
    assert "1 of 1" in finding.why
    assert again(run.end(), 8.0).verdict is Verdict.UNKNOWN


def test_no_session_was_lost() -> None:
    assert again(Run().log("session-open").end(), 5.0) == Finding(
        Verdict.PASS, 0, "within 5 s", "no session was lost"
    )
    assert again(Run().log("session-open").history(), 5.0).verdict is Verdict.UNKNOWN


def test_reconnect_of_a_program_without_a_log_goes_by_its_sockets() -> None:
    run = Run().both([theirs()], [mine()]).at(4).both([], [mine()])
    history = run.at(6).both([theirs(40002)], [mine(), mine(40002)]).at(9).end()
    assert again(history, 2.0).observed == 2
    assert again(Run().end(), 2.0).verdict is Verdict.UNKNOWN
    assert again(Run().both([], []).end(), 2.0).verdict is Verdict.UNKNOWN


def test_reconnect_in_a_killed_run() -> None:
    assert again(incident().history(), 5.0).verdict is Verdict.UNKNOWN
    assert again(incident().history(), 2.0).verdict is Verdict.FAIL


def test_idle_drops() -> None:
    assert drops(incident().end(), 1) == Finding(
        Verdict.PASS,
        1,
        "count exactly 1",
        "established flows that expired: count 1",
        (
            Evidence(
                11, f"firewall forgot {flow()} after silence; it had known it for 10 s", flow()
            ),
        ),
    )
    assert drops(incident().end(), 0).verdict is Verdict.FAIL
    assert drops(incident().history(), 0).verdict is Verdict.FAIL
    assert drops(incident().history(), 1).verdict is Verdict.UNKNOWN


def test_a_flow_that_was_being_closed_does_not_expire() -> None:
    entry = {"client": client(), "server": "10.0.2.2:2514", "state": "TIME_WAIT", "expires_s": 1}
    run = Run().entry("created").at(1).add("conntrack", host="firewall", entries=[entry])
    assert drops(run.at(2).entry("destroyed", cause="expired").end(), 0).verdict is Verdict.PASS


def test_idle_drops_unknown() -> None:
    assert drops(Run().end(), 0).verdict is Verdict.UNKNOWN
    entry = {"client": client(), "server": "10.0.2.2:2514", "state": "ESTABLISHED"}
    run = Run().add("conntrack", host="firewall", entries=[entry])
    assert drops(run.end(), 0).verdict is Verdict.PASS
    run.at(2).add("conntrack", host="firewall", entries=[])
    assert drops(run.end(), 0).verdict is Verdict.UNKNOWN


def test_a_sender_that_never_notices_has_not_reconnected_quickly() -> None:
    run = Run().log("session-open").entry("created").both([theirs()], [mine()])
    run.at(1).sent(1).acked(1).at(10).entry("destroyed", cause="expired").at(20).sent(2)
    history = run.at(40).both([theirs()], [mine()]).end()
    finding = again(history, 5.0)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 20)
    assert "never noticed" in finding.evidence[0].text
    assert again(history, 30.0).verdict is Verdict.UNKNOWN
    # Whoever is answered has a path, whatever a table says.
    answered = Run().log("session-open").entry("created").both([theirs()], [mine()])
    answered.at(1).sent(1).acked(1).at(10).entry("destroyed", cause="expired").at(20).sent(2)
    assert again(answered.at(21).acked(2).at(40).end(), 5.0).verdict is Verdict.PASS
