"""The delivery ledger, against hand-written histories and against a naive count."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.checkers.delivery import Delivery
from halfopen.model.history import History
from halfopen.model.records import AcceptedRecord
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

from .histories import Run


def judge(history: History, **bounds: object) -> Finding:
    return Delivery.model_validate(bounds).judge(history)


def test_everything_arrived_once() -> None:
    history = Run().sent(1, 2, 3).accepted(1, 2, 3).acked(1, 2, 3).delivered(1, 2, 3).end()
    assert judge(history, lost=0, duplicated="at most 1") == Finding(
        Verdict.PASS,
        0,
        "lost exactly 0, duplicated at most 1",
        "lost 0, duplicated 0; 3 sent = 3 delivered",
    )


def test_an_acknowledged_message_that_is_missing_is_named_so() -> None:
    run = Run(scale=600).at(2).sent(1, 2, 3).accepted(1, 2, 3).at(3).acked(1, 2)
    assert judge(run.delivered(1).end(), lost=0) == Finding(
        Verdict.FAIL,
        2,
        "lost exactly 0",
        "lost 2 instead of 0; 3 sent = 1 delivered + 2 lost; 1 of the lost were acknowledged: "
        "the sender believes they are safe",
        (
            Evidence(2, "acknowledged but never delivered: message 2, sent from 20 min on"),
            Evidence(2, "taken by the sender, never delivered: message 3, sent from 20 min on"),
        ),
    )


def test_a_message_that_was_only_written_is_undecided_not_lost() -> None:
    history = Run().sent(1, 2).accepted(1).acked(1).delivered(1).end()
    finding = judge(history, lost=0)
    assert (finding.verdict, finding.observed) == (Verdict.UNKNOWN, None)
    assert "2 sent = 1 delivered + 1 undecided; bound them (`undecided: 1`)" in finding.why
    # What is bounded is decided; and what is never promised is never lost.
    assert judge(history, lost=0, undecided="at most 1").verdict is Verdict.PASS
    assert judge(history, lost=0, undecided=0).verdict is Verdict.FAIL
    assert judge(history, lost=0, undelivered=1).verdict is Verdict.PASS
    assert judge(history, lost=1).verdict is Verdict.FAIL


def test_a_sender_without_a_ledger_owes_what_was_sent() -> None:
    finding = judge(Run().sent(1, 2).delivered(1).end(), lost=0)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 1)


@pytest.mark.parametrize(
    ("history", "why"),
    [
        (Run().delivered().end(), "no message was sent"),
        (Run().sent(1).end(), "no output of any receiver was recorded"),
        (Run().sent(1, 2).delivered(1).end("error"), "the run was not complete (error)"),
        (Run().sent(1).delivered(1).history(), "the run was not complete: its record ends"),
    ],
)
def test_unknown(history: History, why: str) -> None:
    finding = judge(history, lost=0)
    assert finding.verdict is Verdict.UNKNOWN
    assert why in finding.why


def _unmet(run: Run, t: float = 30) -> Run:
    """A run whose wait for a condition was given up at `t`."""
    return run.at(t).add(
        "condition", text="3 delivered", step="wait", line=9, state="unmet", figure=1
    )


def test_what_was_acknowledged_and_did_not_come_before_a_condition_was_given_up_is_lost() -> None:
    run = Run().at(2).sent(1, 2, 3, 4).accepted(1, 2, 3, 4).at(3).acked(1, 2).delivered(1)
    history = _unmet(run).at(31).acked(4).at(34).end("unmet")
    finding = judge(history, lost=0)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 3)
    assert "lost 3 instead of 0; 4 sent = 1 delivered + 3 lost; 2 of the lost were" in finding.why
    assert judge(history, undelivered=0).verdict is Verdict.FAIL
    # 3 may be under way, and 4 may have been acknowledged in the last moment: only 2 is certain.
    assert judge(history, lost="at most 1").verdict is Verdict.UNKNOWN
    assert judge(history, lost=3).verdict is Verdict.UNKNOWN
    assert judge(history, lost="at least 1").verdict is Verdict.UNKNOWN
    assert judge(history, undecided=0).verdict is Verdict.UNKNOWN


def test_a_program_that_never_read_its_input_makes_no_loss_undecided() -> None:
    run = Run(waits=1).at(2).sent(1, 2).accepted(1, 2).acked(1, 2).delivered(1)
    run.at(9).add("step", index=0, text="wait", line=1, state="end")
    assert judge(run.at(12).end("unmet"), lost=0).verdict is Verdict.FAIL


@pytest.mark.parametrize("reason", ["interrupted", "error"])
def test_a_run_that_did_not_wait_for_what_was_under_way_loses_nothing(reason: str) -> None:
    run = Run().at(2).sent(1, 2).accepted(1, 2).acked(1, 2).delivered(1)
    assert judge(_unmet(run).end(reason), lost=0).verdict is Verdict.UNKNOWN


def test_what_a_receiver_may_still_have_is_not_lost_when_a_condition_is_given_up() -> None:
    def acked() -> Run:
        return Run().at(2).sent(1, 2).accepted(1, 2).acked(1, 2).delivered(1)

    def fault(run: Run, state: str, t: float) -> Run:
        return run.at(t).add("fault", name="disk full", text="disk full", line=7, state=state)

    def program(run: Run, state: str, t: float) -> Run:
        return run.at(t).add("process", host="receiver", process="rsyslog", pid=20, state=state)

    healed = fault(_unmet(fault(acked(), "begin", 4)), "end", 31)
    assert judge(healed.end("unmet"), lost=0).verdict is Verdict.UNKNOWN
    over = _unmet(fault(fault(acked(), "begin", 4), "end", 8))
    assert judge(over.end("unmet"), lost=0).verdict is Verdict.FAIL
    stopped = _unmet(program(program(acked(), "started", 2), "exited", 8))
    assert judge(stopped.end("unmet"), lost=0).verdict is Verdict.UNKNOWN
    again = _unmet(program(program(acked(), "exited", 8), "ready", 9))
    # Another program of the host, as one that a fault put in its place, says nothing.
    again.add("process", host="receiver", process="misbehaving", pid=21, state="exited")
    assert judge(program(again, "exited", 33).end("unmet"), lost=0).verdict is Verdict.FAIL


def test_what_was_seen_twice_fails_even_in_a_killed_run() -> None:
    finding = judge(Run().sent(1).delivered(1, 1).history(), duplicated=0)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 1)


def test_corrupted_and_unexpected() -> None:
    history = Run().sent(1).delivered(1, 7, corrupt=["hf1:x"], unexpected=["<script>"]).end()
    assert judge(history, corrupted=0).verdict is Verdict.FAIL
    finding = judge(history, unexpected=0)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 2)
    assert [e.text for e in finding.evidence] == [
        "corrupted: 'hf1:x'",
        "unexpected: 'message 7, which was never sent'",
        "unexpected: '<script>'",
    ]


def test_only_first_deliveries_can_be_out_of_order() -> None:
    history = Run().sent(1, 2, 3).delivered(1, 3, 2, 1).end()
    finding = judge(history, reordered=0)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 1)
    assert judge(history, reordered=1).verdict is Verdict.PASS


def test_each_receiver_of_a_chain_is_counted_by_itself() -> None:
    history = Run().sent(1).delivered(1, host="relay").delivered(1).end()
    assert judge(history, duplicated=0).verdict is Verdict.PASS


def test_stuck_is_what_came_only_when_something_else_was_sent() -> None:
    run = Run().sent(1, 2).at(0.1).delivered(1).at(100).sent(3).at(100.1).delivered(2, 3)
    finding = judge(run.end(), stuck=0, stuck_after=10.0)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 1)
    assert finding.evidence == (
        Evidence(100, "message 2 came only after something else was sent at 100 s"),
    )


def test_late_because_the_path_was_down_is_not_stuck() -> None:
    healed_later = Run().sent(1).at(100).sent(2).at(150).delivered(1, 2).end()
    assert judge(healed_later, stuck=0, stuck_after=10.0).verdict is Verdict.PASS
    always_talking = Run().sent(1)
    for t in range(1, 100):
        always_talking.at(t).sent(t + 1)
    history = always_talking.at(99.1).delivered(*range(1, 101)).end()
    assert judge(history, stuck=0, stuck_after=10.0).verdict is Verdict.PASS


def test_something_must_be_asked() -> None:
    with pytest.raises(ValueError, match="delivery needs a bound; add `lost`"):
        Delivery()


def test_the_timer_counts_only_where_it_decides() -> None:
    assert Delivery.model_validate({"lost": 0}).timers() == ()
    timers = Delivery.model_validate({"stuck": 0}).timers()
    assert [(t.seconds, t.measures) for t in timers] == [(1200.0, "answer")]


def test_the_order_is_that_of_sending_and_not_of_numbers() -> None:
    """A step sends in the background, and the next one meanwhile."""
    run = Run().sent(1, 2).sent(401).sent(3).at(2)
    history = run.delivered(1, 2, 401, 3, corrupt=[], unexpected=[]).end()
    assert judge(history, reordered=0).verdict is Verdict.PASS
    run = Run().sent(1, 2).sent(401).sent(3).at(2)
    history = run.delivered(1, 2, 3, 401, corrupt=[], unexpected=[]).end()
    assert judge(history, reordered=0).observed == 1


def test_messages_of_two_senders_have_no_order() -> None:
    run = Run().sent(1, 2, host="one").sent(3, 4, host="two").at(2)
    history = run.delivered(3, 1, 4, 2, corrupt=[], unexpected=[]).end()
    assert judge(history, reordered=0).verdict is Verdict.PASS
    run = Run().sent(1, 2, host="one").sent(3, 4, host="two").at(2)
    history = run.delivered(3, 2, 4, 1, corrupt=[], unexpected=[]).end()
    assert judge(history, reordered=0).observed == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["sent", "accepted", "acked", "delivered"]),
            st.lists(st.integers(1, 12), max_size=6),
        ),
        max_size=12,
    )
)
def test_the_ledger_agrees_with_a_naive_count(steps: list[tuple[str, list[int]]]) -> None:
    run = Run().sent(1).delivered()
    counts = {kind: Counter[int]() for kind in ("sent", "accepted", "acked", "delivered")}
    counts["sent"][1] += 1
    for t, (kind, numbers) in enumerate(steps, 1):
        getattr(run.at(t), kind)(*numbers)
        counts[kind].update(numbers)
    history = run.end()
    promised = set(counts["accepted"]) | set(counts["acked"])
    if not history.of(AcceptedRecord):
        promised |= set(counts["sent"])
    # A message that was acknowledged or delivered without ever being sent is unexpected.
    here = {n: c for n, c in counts["delivered"].items() if n in counts["sent"]}
    strange = sum(c for n, c in counts["delivered"].items() if n not in counts["sent"])
    for kind, number in (
        ("lost", len(promised - here.keys())),
        ("undecided", len(counts["sent"].keys() - promised - here.keys())),
        ("duplicated", sum(c - 1 for c in here.values())),
        ("unexpected", strange),
    ):
        bounds = {"undecided": "at most 12", kind: number}
        assert judge(history, **bounds).verdict is Verdict.PASS, kind


def test_a_sender_without_a_ledger_owes_what_was_written_to_it() -> None:
    run = Run().sent(1, 2, 3).at(2).delivered(1, corrupt=[], unexpected=[])
    found = judge(run.end(), lost=0)
    assert (found.verdict, found.observed) == (Verdict.FAIL, 2)
    assert "sender keeps no ledger: every message written to it counts" in found.why


def test_what_an_input_refused_was_never_taken() -> None:
    run = Run().sent(1, 2, 3).add("refused", host="sender", seqs=[[3, 3]])
    history = run.at(2).delivered(1, 2, corrupt=[], unexpected=[]).end()
    found = judge(history, lost=0)
    assert found.verdict is Verdict.PASS
    assert "3 sent = 2 delivered + 1 refused" in found.why


def test_an_empty_ledger_is_a_ledger() -> None:
    """Nothing was accepted: so nothing is owed, and what was written is undecided."""
    run = Run().add("accepted", host="sender", seqs=[]).sent(1, 2)
    history = run.at(2).delivered(corrupt=[], unexpected=[]).end()
    found = judge(history, lost=0)
    assert found.verdict is Verdict.UNKNOWN
    assert "2 sent = 0 delivered + 2 undecided" in found.why


def test_each_sender_is_judged_by_its_own_ledger() -> None:
    run = Run().sent(1).accepted(1).sent(2, host="other")
    history = run.at(2).delivered(1, corrupt=[], unexpected=[]).end()
    found = judge(history, lost=0)
    assert (found.observed, "other keeps no ledger" in found.why) == (1, True)


def test_what_never_came_counts_whether_it_was_taken_or_not() -> None:
    run = Run().sent(1, 2, 3, 4).accepted(1, 2, 3).at(1).delivered(1, 2)
    assert judge(run.history(), undelivered=1).verdict is Verdict.UNKNOWN
    found = judge(run.end(), undelivered=1)
    assert (found.verdict, found.why.split(";")[0]) == (
        Verdict.FAIL,
        "undelivered 2 instead of 1",
    )
    assert judge(run.history(), lost=1, undelivered=2).verdict is Verdict.PASS
