"""The check `time between`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from halfopen.checkers.time_between import TimeBetween
from halfopen.model.history import History
from halfopen.model.verdict import Verdict
from halfopen.ports import Finding

from .histories import Run, client, mine, theirs

DROP = {"step": "silent drop"}
WILL = {"line": "last will", "at": "receiver"}


def judge(history: History, first: object = DROP, then: object = WILL, **bounds: Any) -> Finding:
    return TimeBetween.model_validate({"first": first, "then": then, **bounds}).judge(history)


def step(run: Run, text: str, state: str = "begin") -> Run:
    return run.add("step", index=0, text=text, line=7, state=state)


def said(run: Run, line: str) -> Run:
    return run.add("said", host="receiver", process="broker", line=line)


def dropped(scale: float = 1.0) -> Run:
    """A silent drop at 10, after which a broker starts to wait."""
    run = said(Run(scale=scale, waits=1).at(2), "last will of nobody")
    return step(run.at(10), "silent drop at firewall, for 5 min")


def test_a_last_will_in_time() -> None:
    history = said(said(dropped(20).at(12), "hello"), "last will of c1").at(20).end()
    finding = judge(history, at_most=3.0)
    assert (finding.verdict, finding.observed) == (Verdict.PASS, 40)
    assert finding.bound == "at most 60 s"
    assert finding.why == (
        "40 s (2 s in the lab) from “step “silent drop at firewall, for 5 min” begins” to "
        "“receiver wrote: last will of c1”"
    )
    assert [each.t for each in finding.evidence] == [10, 12]
    late = judge(history, at_most=1.0)
    assert (late.verdict, late.observed) == (Verdict.FAIL, 40)
    early = judge(history, at_least=2.5)
    assert early.verdict is Verdict.FAIL
    assert judge(history, at_least=1.0, at_most=2.0).verdict is Verdict.PASS


def test_what_does_not_come_in_time_fails_and_what_could_still_come_is_unknown() -> None:
    history = dropped().at(100).end()
    finding = judge(history, at_most=60.0)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 90)
    assert "a line with “last will” at receiver was not seen in 90 s after" in finding.why
    # It failed for good, however the run went on.
    assert judge(dropped().at(100).end("error"), at_most=60.0).verdict is Verdict.FAIL
    short = judge(history, at_most=120.0)
    assert short.verdict is Verdict.UNKNOWN
    assert "ended too early to say; add `- wait: 2 min` at the end of the steps" in short.why
    assert judge(history, at_least=5.0).verdict is Verdict.UNKNOWN


def test_without_the_first_event_there_is_nothing_to_measure() -> None:
    history = said(Run(waits=1).at(12), "last will of c1").at(100).end()
    finding = judge(history, at_most=60.0)
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.why == (
        "the step “silent drop” begins was never seen: there is nothing to measure from"
    )
    assert judge(dropped().at(11).history(), {"step": "stop"}, at_most=1.0).verdict is (
        Verdict.UNKNOWN
    )


def test_what_was_not_recorded_is_never_a_failure() -> None:
    silent = step(Run(waits=1).at(10), "silent drop at firewall").at(100).end()
    assert judge(silent, at_most=60.0).verdict is Verdict.UNKNOWN
    cut = dropped().at(50).add("said", host="receiver", process="broker", line="", cut=True)
    assert judge(cut.at(100).end(), at_most=60.0).verdict is Verdict.UNKNOWN
    state = {"state": "CLOSE_WAIT", "at": "sender"}
    assert judge(dropped().at(100).end(), then=state, at_most=60.0).verdict is Verdict.UNKNOWN
    record = {"record": "flow", "at": "firewall"}
    assert judge(dropped().at(100).end(), then=record, at_most=60.0).verdict is Verdict.UNKNOWN


def test_a_run_that_was_cut_short_passes_nothing() -> None:
    run = said(dropped().at(12), "last will of c1")
    assert judge(run.history(), at_most=60.0).verdict is Verdict.UNKNOWN


def test_a_state_is_known_as_exactly_as_it_was_sampled() -> None:
    run = dropped().at(11).both([theirs()], [mine()])
    history = run.at(15).both([theirs(state="CLOSE_WAIT")], [mine()]).at(30).end()
    state = {"state": "CLOSE_WAIT", "at": "sender"}
    assert judge(history, then=state, at_most=5.0).verdict is Verdict.PASS
    assert judge(history, then=state, at_most=4.9).verdict is Verdict.FAIL
    assert judge(history, then=state, at_most=4.96).verdict is Verdict.UNKNOWN
    assert judge(history, then=state, at_least=4.0).verdict is Verdict.PASS
    assert judge(history, then=state, at_least=4.97).verdict is Verdict.UNKNOWN
    found = judge(history, then=state, at_most=5.0)
    assert f"{client()} with 10.0.2.2:2514 is CLOSE_WAIT" in found.why
    # It is in that state already: it does not come to it again.
    after = judge(history, {"state": "CLOSE_WAIT", "at": "sender"}, state, at_most=5.0)
    assert after.verdict is Verdict.FAIL


def test_records_are_told_apart_by_their_fields() -> None:
    run = dropped().at(11).entry("created").at(12).entry("destroyed", cause="expired")
    history = run.at(13).log("session-lost", reason="ack-timeout").at(40).end()

    def flow(**where: object) -> dict[str, object]:
        return {"record": "flow", "at": "firewall", "where": where}

    assert judge(history, then=flow(cause="expired"), at_most=2.0).observed == 2
    assert judge(history, then=flow(cause="closed"), at_most=2.0).verdict is Verdict.FAIL
    log = {"record": "log", "where": {"event.event": "session-lost"}}
    assert judge(history, flow(event="created"), log, at_most=2.0).observed == 2


def test_the_end_of_a_step_is_another_event() -> None:
    run = step(dropped().at(14), "silent drop at firewall, for 5 min", "end")
    history = said(run.at(15), "last will of c1").at(30).end()
    ends = {"step": "silent drop", "ends": True}
    assert judge(history, ends, at_most=1.0).verdict is Verdict.PASS
    assert judge(history, at_most=1.0).verdict is Verdict.FAIL
    assert judge(history, {"step": "silent drops"}, at_most=1.0).verdict is Verdict.UNKNOWN


@given(
    st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=12),
    st.floats(0.1, 100),
    st.floats(0, 120),
)
def test_a_naive_count_says_the_same(
    lines: list[tuple[float, bool]], at_most: float, end: float
) -> None:
    run = Run(waits=1)
    for t, is_first in sorted(lines):
        said(run.at(t), "GOAWAY" if is_first else "closed")
    last = max([end, *(t for t, _ in lines)])
    history = run.at(last).end()
    found = judge(
        history,
        {"line": "GOAWAY", "at": "receiver"},
        {"line": "closed", "at": "receiver"},
        at_most=at_most,
    )
    starts = [t for t, is_first in lines if is_first]
    if not starts:
        assert found.verdict is Verdict.UNKNOWN
        return
    later = [t for t, is_first in lines if not is_first and t >= min(starts)]
    took = (min(later) if later else last) - min(starts)
    expected = Verdict.FAIL if took > at_most else (Verdict.PASS if later else Verdict.UNKNOWN)
    assert found.verdict is expected


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"first": DROP, "then": WILL}, "needs a bound; add `at most` or `at least`"),
        ({"first": DROP, "then": WILL, "at_most": "1 s", "at_least": "2 s"}, "exchange them"),
        ({"first": "drop", "then": WILL, "at_most": 1}, "'drop' is not an event; write for"),
        ({"first": {"at": "x"}, "then": WILL, "at_most": 1}, "has none of step, line, state"),
        ({"first": {**DROP, **WILL}, "then": WILL, "at_most": 1}, "has step and line"),
        ({"first": {"record": "flwo"}, "then": WILL, "at_most": 1}, "did you mean 'flow'"),
        (
            {"first": {"record": "fault", "at": "x"}, "then": WILL, "at_most": 1},
            "a record 'fault' has no host; leave out `at`",
        ),
        (
            {"first": {"record": "flow", "where": {"evnt": "x"}}, "then": WILL, "at_most": 1},
            "no field 'evnt'; did you mean 'event'",
        ),
        (
            {"first": {"record": "flow", "where": {"event": "gone"}}, "then": WILL, "at_most": 1},
            "event is not 'gone' in a record 'flow'; write created or destroyed",
        ),
        (
            {"first": {"record": "sent", "where": {"seqs": 1}}, "then": WILL, "at_most": 1},
            "only texts, numbers and true or false can be compared",
        ),
        (
            {"first": {"record": "fds", "where": {"limit": "a"}}, "then": WILL, "at_most": 1},
            "write a whole number",
        ),
    ],
)
def test_what_is_no_event_is_refused(params: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TimeBetween.model_validate(params)
    assert words in str(caught.value)
