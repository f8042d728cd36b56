"""Checks that rest on samples of sockets: half-open, clean-up, connections."""

from __future__ import annotations

import pytest

from halfopen.checkers import clean_up, connections, half_open
from halfopen.model.flows import flows
from halfopen.model.flows import half_open as half_open_sockets
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

from .histories import LISTEN, Run, flow, incident, mine, theirs


def half(history: History, at: str = "receiver", **bounds: object) -> Finding:
    return half_open.CHECK.judge(history, half_open.Params.model_validate({"at": at, **bounds}))


def clean(history: History, **bounds: object) -> Finding:
    params = clean_up.Params.model_validate({"at": "receiver", **bounds})
    return clean_up.CHECK.judge(history, params)


def count(history: History, **bounds: object) -> Finding:
    params = connections.Params.model_validate({"at": "sender", **bounds})
    return connections.CHECK.judge(history, params)


def test_the_incident_leaves_one_half_open_connection() -> None:
    assert half(incident().end(), at_end=0) == Finding(
        Verdict.FAIL,
        1,
        "at end exactly 0",
        "half-open connections: at end 1 instead of 0",
        (
            Evidence(
                22,
                "10.0.2.2:2514 has no live peer at 10.0.1.1:40001; for 8 s to the end; "
                "last heard at 1 s; no timer runs: nothing will ever end it",
                flow(),
            ),
        ),
    )


def test_an_orphan_that_waits_for_the_answer_to_its_fin_is_not_alive() -> None:
    run = Run().at(1).both([theirs(state="FIN_WAIT1", pid=10)], [mine()]).at(9)
    assert half(run.end(), at_end=0).verdict is Verdict.PASS
    run = Run().at(1).both([theirs(state="FIN_WAIT1", pid=0)], [mine()]).at(9)
    assert half(run.end(), at_end=0).verdict is Verdict.FAIL


def test_two_hosts_are_never_sampled_at_the_same_moment() -> None:
    run = Run().both([], []).at(1).sockets("receiver", LISTEN, mine())
    run.at(1.05).sockets("sender", theirs()).at(5).sockets("sender")
    history = run.at(5.05).sockets("receiver", LISTEN).at(9).end()
    assert half(history, peak=0).verdict is Verdict.PASS


def test_the_peak_counts_what_was_half_open_at_once() -> None:
    run = Run().both([], []).at(1).both([], [mine(1), mine(2)]).at(2).both([], [mine(2)])
    history = run.at(3).both([], [mine(3)]).at(4).both([], []).end()
    finding = half(history, peak="at most 1", at_end=0)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 2)
    assert finding.bound == "at end exactly 0, peak at most 1"


def test_connections_of_a_host_with_itself_do_not_count() -> None:
    own = {"local": "127.0.0.1:1", "peer": "127.0.0.1:2", "state": "ESTABLISHED"}
    history = Run().both([], [own]).at(9).both([], [own]).end()
    assert half(history, at_end=0).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("history", "why"),
    [
        (Run().sockets("sender").end(), "no socket of receiver was ever sampled"),
        (Run().sockets("receiver").end(), "no socket of sender was ever sampled"),
        (Run().both([], []).end("interrupted"), "the run was not complete (interrupted)"),
        (incident().history(), "so far at end 1"),
    ],
)
def test_half_open_unknown(history: History, why: str) -> None:
    finding = half(history, at_end=0)
    assert finding.verdict is Verdict.UNKNOWN
    assert why in finding.why


def test_a_peak_that_was_seen_was_seen() -> None:
    assert half(incident().history(), peak=0).verdict is Verdict.FAIL
    assert half(incident().history(), peak="at most 1").verdict is Verdict.UNKNOWN


def test_the_join_brings_three_places_together() -> None:
    first, second = flows(incident().end())
    assert (first.name, second.name) == (flow(), flow(40002))
    assert [(e.cause, e.stretch.start, e.stretch.end) for e in first.entries] == [
        ("expired", 1, 11)
    ]
    assert (first.client_sockets[0].host, first.server_sockets[0].host) == ("sender", "receiver")
    assert [(s.start, s.end) for s in first.client_sockets[0].alive] == [(1, 22)]
    assert [h.flow.name for h in half_open_sockets(incident().end(), [first, second])] == [flow()]


@pytest.mark.parametrize("listen", [True, False])
def test_the_client_is_known_without_a_middlebox(listen: bool) -> None:
    run = Run().sockets("sender", theirs()).sockets("receiver", *[LISTEN] * listen, mine())
    (one,) = flows(run.at(1).end())
    assert one.name == flow()
    assert len(one.client_sockets) == len(one.server_sockets) == 1


def cleaned(gone: float = 20.0) -> Run:
    """The peer was heard at 1 s; the socket goes at `gone`."""
    run = Run().both([], []).at(1).both([theirs()], [mine(last_heard_s=0.0)])
    run.at(2).both([], [mine(last_heard_s=1.0, timer="keepalive", retrans=3)])
    return run.at(gone).both([], []).at(gone + 1)


def test_clean_up_in_time() -> None:
    assert clean(cleaned().end(), within=20.0, not_before=18.0) == Finding(
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
    finding = clean(cleaned().end(), within=within, not_before=not_before)
    assert finding.verdict is Verdict.FAIL
    assert why in finding.why


def test_clean_up_gives_the_sampler_the_benefit_of_one_sample() -> None:
    assert clean(cleaned(20.04).end(), within=19.0).verdict is Verdict.PASS
    assert clean(cleaned(20.06).end(), within=19.0).verdict is Verdict.FAIL


def test_clean_up_of_what_is_still_there() -> None:
    assert clean(incident().end(), within=20.0).verdict is Verdict.FAIL
    assert clean(incident().history(), within=20.0).verdict is Verdict.FAIL
    finding = clean(incident().end(), within=100.0)
    assert finding.verdict is Verdict.UNKNOWN
    assert "still there, but younger" in finding.why


def test_clean_up_of_a_path_that_was_forgotten_while_both_sides_believe() -> None:
    run = Run().at(1).entry("created").both([theirs()], [mine(last_heard_s=0.0)])
    run.at(11).entry("destroyed", cause="expired")
    run.at(12).both([theirs()], [mine(last_heard_s=11.0)])
    history = run.at(16).both([], []).at(17).end()
    finding = clean(history, within=15.0, not_before=14.0)
    assert (finding.verdict, finding.observed) == (Verdict.PASS, 15)


def test_clean_up_nothing_died() -> None:
    history = Run().both([theirs()], [mine()]).at(9).both([], []).at(10).end()
    finding = clean(history, within=1.0)
    assert finding == Finding(
        Verdict.UNKNOWN, None, "within 1 s", "nothing died at receiver: nothing was measured"
    )


def test_a_socket_that_went_with_its_program_was_not_cleaned_up() -> None:
    run = Run().both([], []).at(1).both([theirs()], [mine()]).at(2).both([], [mine()])
    run.at(5).add("process", host="receiver", process="relpio", pid=20, state="exited", status=0)
    finding = clean(run.at(5.02).both([], []).at(6).end(), within=1.0)
    assert finding.verdict is Verdict.UNKNOWN


def test_clean_up_unknown_without_samples_and_in_a_killed_run() -> None:
    assert clean(Run().end(), within=1.0).verdict is Verdict.UNKNOWN
    assert clean(cleaned().history(), within=20.0).verdict is Verdict.UNKNOWN


def test_clean_up_timers() -> None:
    params = clean_up.Params.model_validate({"at": "r", "within": "4 h", "not before": "2 h"})
    timers = [(t.seconds, t.measures) for t in clean_up.CHECK.timers(params)]
    assert timers == [(14400.0, "silence"), (7200.0, "silence")]
    assert clean_up.CHECK.hosts(params) == ("r",)


def test_connections() -> None:
    assert count(incident().end(), opened=2, at_end=1) == Finding(
        Verdict.PASS,
        2,
        "opened exactly 2, at end exactly 1",
        "connections: opened 2, at end 1",
        (
            Evidence(1, f"{flow()} ESTABLISHED from 1 s to 22 s", flow()),
            Evidence(23, f"{flow(40002)} ESTABLISHED from 23 s to the end", flow(40002)),
        ),
    )
    finding = count(incident().end(), opened=1)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 2)
    assert count(incident().end(), peak=1).verdict is Verdict.PASS


def test_connections_unknown() -> None:
    assert count(Run().end(), opened=0).verdict is Verdict.UNKNOWN
    assert count(incident().history(), at_end=1).verdict is Verdict.UNKNOWN
    assert count(incident().history(), opened=3).verdict is Verdict.UNKNOWN
    assert count(incident().history(), opened=1).verdict is Verdict.FAIL


@pytest.mark.parametrize("params", [half_open.Params, connections.Params])
def test_something_must_be_asked(params: type[half_open.Params]) -> None:
    with pytest.raises(ValueError, match="needs"):
        params(at="x")


def test_what_became_half_open_in_the_last_moment_is_unknown() -> None:
    run = Run().at(1).both([theirs()], [mine()]).at(5).both([theirs()], [mine()])
    history = run.at(9).both([], [mine()]).at(9.02).end()
    assert half(history, at_end=0).verdict is Verdict.UNKNOWN
    assert half(history, at_end=1).verdict is Verdict.UNKNOWN
    assert half(history, at_end=2).verdict is Verdict.FAIL
