"""The check `connections`."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from halfopen.checkers.connections import Connections
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

from .histories import SERVER, Run, client, flow, incident, mine, theirs


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


def test_what_no_sample_shows_counts_as_opened() -> None:
    run = Run().unsampled().at(1).both([theirs()], [mine()])
    history = run.at(2).unsampled(*range(40002, 40386)).at(3).both([theirs()], [mine()]).end()
    finding = judge(history, opened=3)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 385)
    assert finding.why == (
        "connections: opened 385 instead of 3; 384 of them opened and closed between two samples"
    )
    assert finding.evidence[1].text.startswith(
        f"opened and closed between two samples: {client(40002)} with {SERVER}, "
    )
    assert finding.evidence[1].text.endswith(" and 379 more")
    assert judge(history, opened="at most 385", at_end=1).verdict is Verdict.PASS
    assert judge(history, opened=1).verdict is Verdict.FAIL


def test_ports_that_are_used_again_are_another_connection() -> None:
    run = Run().unsampled().at(1).both([theirs()], [mine()]).at(2).both([], [])
    history = run.at(3).both([theirs()], [mine()]).end()
    assert judge(history, opened=2).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("params", "verdict"),
    [
        ({"opened": 0}, Verdict.FAIL),
        ({"opened": 1}, Verdict.UNKNOWN),
        ({"opened": "at most 3"}, Verdict.UNKNOWN),
        ({"opened": "at least 1"}, Verdict.PASS),
        ({"opened": "at least 2"}, Verdict.UNKNOWN),
        ({"at_end": 1}, Verdict.PASS),
        ({"peak": 1}, Verdict.PASS),
    ],
)
def test_samples_alone_do_not_decide_how_many_were_opened(
    params: dict[str, object], verdict: Verdict
) -> None:
    for run in (Run(), Run().unsampled().unsampled(lost=True)):
        history = run.at(1).both([theirs()], [mine()]).end()
        finding = judge(history, **params)
        assert finding.verdict is verdict
        if verdict is Verdict.UNKNOWN:
            assert "opened at least 1: what is opened and closed between two" in finding.why


def test_sockets_that_may_have_been_connected_leave_a_range() -> None:
    run = Run().unsampled().at(1).both([theirs()], [mine()]).at(2).unsampled(40002, perhaps=3)
    history = run.end()
    assert judge(history, opened=1).verdict is Verdict.FAIL
    assert judge(history, opened="at least 2").verdict is Verdict.PASS
    assert judge(history, opened="at most 5").verdict is Verdict.PASS
    finding = judge(history, opened="at most 4")
    assert finding.verdict is Verdict.UNKNOWN
    assert "; opened 2 to 5: what was opened and closed between two samples is" in finding.why


def test_a_peak_between_two_samples_is_undecided() -> None:
    history = Run().unsampled().at(1).both([theirs()], [mine()]).at(2).unsampled(40002).end()
    assert judge(history, peak=1).verdict is Verdict.UNKNOWN
    assert judge(history, peak="at most 2").verdict is Verdict.PASS
    assert judge(history, peak=3).verdict is Verdict.FAIL


def test_a_bound_is_needed() -> None:
    with pytest.raises(ValidationError, match="connections needs a bound; add `opened`, `at end`"):
        Connections.model_validate({"at": "x"})
