"""A fault that touched nothing is unknown, whatever the checks say."""

from __future__ import annotations

import pytest

from halfopen.checkers import judge_history
from halfopen.model.records import EffectRecord
from halfopen.model.verdict import Verdict, judge

from .histories import Run

DROP: EffectRecord = {
    "kind": "effect",
    "name": "silent drop",
    "text": "fault silent drop at firewall",
    "line": 14,
    "touched": {"packets": 0},
}


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.UNKNOWN),
        ({"touched": {"packets": 0, "flows": 0}}, Verdict.UNKNOWN),
        ({"touched": {"packets": 3}}, Verdict.PASS),
        ({"touched": {"packets": 0, "flows": 1}}, Verdict.PASS),
        ({"may_miss": True}, Verdict.PASS),
    ],
)
def test_a_fault_that_touched_nothing(changes: dict[str, object], verdict: Verdict) -> None:
    params = {"at": "sender", "at_end": "exactly 0"}
    run = Run({"check": "connections", "params": params, "label": ""})
    run.at(0.0).sockets("sender")
    run.at(1.0).add(**{**DROP, **changes})  # type: ignore[arg-type]
    results = judge_history(run.at(9.0).end())
    assert results[0].verdict is Verdict.PASS
    assert judge(results)[0] is verdict
    if verdict is Verdict.UNKNOWN:
        assert results[1].line == 14
        assert results[1].label == "effect of silent drop"
        assert results[1].why.startswith(
            "the fault 'silent drop' (line 14) had no effect: 0 packets"
        )
