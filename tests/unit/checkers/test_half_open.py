"""The check `half-open`."""

from __future__ import annotations

import pytest

from halfopen.checkers.half_open import HalfOpen
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

from .histories import LISTEN, Run, flow, incident, mine, theirs


def judge(history: History, **params: object) -> Finding:
    return HalfOpen.model_validate({"at": "receiver", **params}).judge(history)


def test_the_incident_leaves_one_half_open_connection() -> None:
    assert judge(incident().end(), at_end=0) == Finding(
        Verdict.FAIL,
        1,
        "at end exactly 0",
        "half-open connections: at end 1 instead of 0; left in ESTABLISHED: 1",
        (
            Evidence(
                22,
                "10.0.2.2:2514 is ESTABLISHED and has no live peer at 10.0.1.1:40001; "
                "for 8 s to the end; last heard at 1 s; no timer runs: nothing will ever end it",
                flow(),
            ),
        ),
    )


def test_an_orphan_that_waits_for_the_answer_to_its_fin_is_not_alive() -> None:
    run = Run().at(1).both([theirs(state="FIN_WAIT1", pid=10)], [mine()]).at(9)
    assert judge(run.end(), at_end=0).verdict is Verdict.PASS
    run = Run().at(1).both([theirs(state="FIN_WAIT1", pid=0)], [mine()]).at(9)
    assert judge(run.end(), at_end=0).verdict is Verdict.FAIL


def test_two_hosts_are_never_sampled_at_the_same_moment() -> None:
    run = Run().both([], []).at(1).sockets("receiver", LISTEN, mine())
    run.at(1.05).sockets("sender", theirs()).at(5).sockets("sender")
    history = run.at(5.05).sockets("receiver", LISTEN).at(9).end()
    assert judge(history, peak=0).verdict is Verdict.PASS


def test_the_peak_counts_what_was_half_open_at_once() -> None:
    run = Run().both([], []).at(1).both([], [mine(1), mine(2)]).at(2).both([], [mine(2)])
    history = run.at(3).both([], [mine(3)]).at(4).both([], []).end()
    finding = judge(history, peak="at most 1", at_end=0)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 2)
    assert finding.bound == "at end exactly 0, peak at most 1"


def test_connections_of_a_host_with_itself_do_not_count() -> None:
    own = {"local": "127.0.0.1:1", "peer": "127.0.0.1:2", "state": "ESTABLISHED"}
    run = Run().both([theirs()], [mine(), own]).at(9).both([theirs()], [mine(), own])
    assert judge(run.end(), at_end=0).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("history", "why"),
    [
        (Run().sockets("sender").end(), "no socket of receiver was ever sampled"),
        (Run().sockets("receiver").end(), "no socket of sender was ever sampled"),
        (Run().both([theirs()], [mine()]).end("interrupted"), "was not complete (interrupted)"),
        (Run().both([], []).at(9).both([], []).end(), "never had an established connection"),
        (incident().history(), "so far at end 1"),
    ],
)
def test_half_open_unknown(history: History, why: str) -> None:
    finding = judge(history, at_end=0)
    assert finding.verdict is Verdict.UNKNOWN
    assert why in finding.why


def test_a_peak_that_was_seen_was_seen() -> None:
    assert judge(incident().history(), peak=0).verdict is Verdict.FAIL
    assert judge(incident().history(), peak="at most 1").verdict is Verdict.UNKNOWN


def test_what_became_half_open_in_the_last_moment_is_unknown() -> None:
    run = Run().at(1).both([theirs()], [mine()]).at(5).both([theirs()], [mine()])
    history = run.at(9).both([], [mine()]).at(9.02).end()
    assert judge(history, at_end=0).verdict is Verdict.UNKNOWN
    assert judge(history, at_end=1).verdict is Verdict.UNKNOWN
    assert judge(history, at_end=2).verdict is Verdict.FAIL


@pytest.mark.parametrize("state", ["FIN_WAIT1", "FIN_WAIT2", "CLOSING", "LAST_ACK", "CLOSE_WAIT"])
def test_a_socket_that_a_program_still_holds_counts_in_every_state(state: str) -> None:
    run = Run().at(1).both([theirs()], [mine()]).at(3).both([theirs()], [mine(state=state)])
    history = run.at(5).both([], [LISTEN, mine(state=state)]).at(9)
    found = judge(history.both([], [LISTEN, mine(state=state)]).end(), at_end=0)
    assert (found.verdict, found.observed) == (Verdict.FAIL, 1)
    assert found.why.endswith(f"at end 1 instead of 0; left in {state}: 1")
    assert f" is {state} and has no live peer" in found.evidence[0].text


def test_the_state_in_which_it_was_left_is_named_beside_the_one_that_it_came_to() -> None:
    run = Run().at(1).both([theirs()], [mine()]).at(3).both([], [LISTEN, mine()])
    history = run.at(9).both([], [LISTEN, mine(state="FIN_WAIT1")]).end()
    assert "FIN_WAIT1 (was ESTABLISHED)" in judge(history, at_end=0).evidence[0].text


def test_a_zero_window_is_named() -> None:
    stuck = mine(timer="persist", timer_s=30.0)
    run = Run().at(1).both([theirs()], [mine()]).at(3).both([], [LISTEN, stuck])
    found = judge(run.at(9).both([], [LISTEN, stuck]).end(), at_end=0)
    assert "ESTABLISHED with a zero window" in found.evidence[0].text


@pytest.mark.parametrize("state", ["FIN_WAIT2", "LAST_ACK"])
def test_what_its_program_has_closed_does_not_count(state: str) -> None:
    closed = mine(state=state, pid=0)
    run = Run().at(1).both([theirs()], [mine()]).at(3).both([], [LISTEN, closed])
    assert judge(run.at(9).both([], [LISTEN, closed]).end(), at_end=0).verdict is Verdict.PASS


def test_a_connection_that_is_still_being_opened_does_not_count() -> None:
    run = Run().at(1).both([theirs()], [mine()]).at(3).both([], [])
    run.at(5).both([theirs(state="SYN_SENT")], []).at(9)
    history = run.both([theirs(state="SYN_SENT")], []).end()
    assert judge(history, at="sender", at_end=0).verdict is Verdict.PASS
