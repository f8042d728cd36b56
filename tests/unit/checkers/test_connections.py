"""The check `connections`."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from halfopen.checkers.connections import Connections
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

from .histories import Run, flow, incident


def judge(history: History, **params: object) -> Finding:
    return Connections.model_validate({"at": "sender", **params}).judge(history)


def test_connections() -> None:
    assert judge(incident().end(), opened=2, at_end=1) == Finding(
        Verdict.PASS,
        2,
        "opened exactly 2, at end exactly 1",
        "connections: opened 2, at end 1",
        (
            Evidence(1, f"{flow()} ESTABLISHED from 1 s to 22 s", flow()),
            Evidence(23, f"{flow(40002)} ESTABLISHED from 23 s to the end", flow(40002)),
        ),
    )
    finding = judge(incident().end(), opened=1)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 2)
    assert judge(incident().end(), peak=1).verdict is Verdict.PASS


def test_connections_unknown() -> None:
    assert judge(Run().end(), opened=0).verdict is Verdict.UNKNOWN
    assert judge(incident().history(), at_end=1).verdict is Verdict.UNKNOWN
    assert judge(incident().history(), opened=3).verdict is Verdict.UNKNOWN
    assert judge(incident().history(), opened=1).verdict is Verdict.FAIL


def test_a_bound_is_needed() -> None:
    with pytest.raises(ValidationError, match="connections needs a bound; add `opened`, `at end`"):
        Connections.model_validate({"at": "x"})
