"""The check `idle drops`."""

from __future__ import annotations

import pytest

from halfopen.checkers.idle_drops import IdleDrops
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

from .histories import Run, client, flow, incident, theirs


def judge(history: History, count: object) -> Finding:
    return IdleDrops.model_validate({"at": "firewall", "count": count}).judge(history)


def test_idle_drops() -> None:
    assert judge(incident().end(), 1) == Finding(
        Verdict.PASS,
        1,
        "count exactly 1",
        "flows in use that expired: count 1",
        (Evidence(11, f"firewall dropped {flow()} as idle; the entry was 10 s old", flow()),),
    )
    assert judge(incident().end(), 0).verdict is Verdict.FAIL
    assert judge(incident().history(), 0).verdict is Verdict.FAIL
    assert judge(incident().history(), 1).verdict is Verdict.UNKNOWN


def test_a_flow_that_was_being_closed_does_not_expire() -> None:
    entry = {"client": client(), "server": "10.0.2.2:2514", "state": "TIME_WAIT", "expires_s": 1}
    run = Run().entry("created").at(1).add("conntrack", host="firewall", entries=[entry])
    assert judge(run.at(2).entry("destroyed", cause="expired").end(), 0).verdict is Verdict.PASS


def test_idle_drops_unknown() -> None:
    assert judge(Run().end(), 0).verdict is Verdict.UNKNOWN
    entry = {"client": client(), "server": "10.0.2.2:2514", "state": "ESTABLISHED"}
    run = Run().add("conntrack", host="firewall", entries=[entry])
    assert judge(run.end(), 0).verdict is Verdict.PASS
    run.at(2).add("conntrack", host="firewall", entries=[])
    assert judge(run.end(), 0).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("holder", "state", "verdict"),
    [
        (20, "FIN_WAIT", Verdict.FAIL),
        (20, "CLOSE_WAIT", Verdict.FAIL),
        (20, "LAST_ACK", Verdict.PASS),
        (0, "FIN_WAIT", Verdict.PASS),
    ],
)
def test_a_half_closed_flow_counts_while_a_program_holds_its_socket(
    holder: int, state: str, verdict: Verdict
) -> None:
    entry = {"client": client(), "server": "10.0.2.2:2514", "state": state, "expires_s": 1}
    waits = theirs(state="FIN_WAIT2", pid=holder)
    run = Run().entry("created").at(1).both([waits], []).at(2)
    run.add("conntrack", host="firewall", entries=[entry])
    run.at(3).both([waits], []).at(4).entry("destroyed", cause="closed", state=state)
    run.at(5).both([waits], [])
    found = judge(run.end(), 0)
    assert found.verdict is verdict
    if verdict is Verdict.FAIL:
        assert f"({state}: half-closed)" in found.evidence[0].text


def test_a_half_closed_flow_that_a_reset_ended_does_not_count() -> None:
    entry = {"client": client(), "server": "10.0.2.2:2514", "state": "FIN_WAIT", "expires_s": 1}
    waits = theirs(state="FIN_WAIT2")
    run = Run().entry("created").at(1).both([waits], [])
    run.add("conntrack", host="firewall", entries=[entry])
    run.at(2).entry("destroyed", cause="closed", state="CLOSE").at(3).both([waits], [])
    assert judge(run.end(), 0).verdict is Verdict.PASS


def test_a_handshake_that_was_never_completed_does_not_count() -> None:
    run = Run().entry("created").at(2).entry("destroyed", cause="expired", state="SYN_SENT")
    assert judge(run.end(), 0).verdict is Verdict.PASS
