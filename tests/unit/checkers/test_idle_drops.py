"""The check `idle drops`."""

from __future__ import annotations

from halfopen.checkers.idle_drops import IdleDrops
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

from .histories import Run, client, flow, incident


def judge(history: History, count: object) -> Finding:
    return IdleDrops.model_validate({"at": "firewall", "count": count}).judge(history)


def test_idle_drops() -> None:
    assert judge(incident().end(), 1) == Finding(
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
