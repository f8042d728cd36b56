"""Figures of a running scenario, and waiting for them."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.errors import LabError
from halfopen.model.history import compress
from halfopen.model.records import Record
from halfopen.runner.conditions import Conditions, Figures, UnmetError
from halfopen.scenario.conditions import parse_condition

from ..records import record

Message = tuple[str, str, list[int]]


def messages(kind: str, host: str, *numbers: int) -> Record:
    return record(kind, host=host, seqs=compress(numbers))


def value(figures: Figures, text: str) -> int | None:
    return figures.value(parse_condition(text))


def test_messages_are_counted_once_whoever_repeats_them() -> None:
    figures = Figures()
    for each in (
        messages("sent", "a", 1, 2, 3),
        messages("delivered", "b", 1, 2, 2, 1),
        messages("delivered", "c", 2),
    ):
        figures.take(each)
    assert value(figures, "9 sent") == 3
    assert value(figures, "9 delivered") == 2
    assert value(figures, "9 delivered at c") == 1
    assert value(figures, "9 delivered at d") == 0
    assert not figures.all_delivered
    figures.take(messages("refused", "a", 3))
    assert value(figures, "9 sent") == 2
    assert figures.all_delivered


def test_what_was_never_seen_is_unknown_and_not_zero() -> None:
    figures = Figures()
    for text in (
        "queue depth = 0",
        "queue depth at a = 0",
        "connections at a = 0",
        "fds at a = 0",
        "flows at f = 0",
    ):
        assert value(figures, text) is None
    assert value(figures, "event lost at a") == 0


def test_samples_count_as_they_were_last() -> None:
    figures = Figures()
    for states in (["ESTABLISHED", "ESTABLISHED", "LISTEN"], ["ESTABLISHED", "TIME_WAIT"]):
        sockets = [
            {"local": f"a:{port}", "peer": "b:1", "state": state}
            for port, state in enumerate(states)
        ]
        figures.take(record("sockets", host="a", sockets=sockets))
    entries = [{"client": f"a:{port}", "server": "b:1"} for port in range(2)]
    figures.take(record("conntrack", host="f", entries=entries))
    for process, counts in (("p", {"tcp": 3, "file": 2}), ("q", {"tcp": 4}), ("p", {"tcp": 1})):
        figures.take(record("fds", host="a", process=process, counts=counts))
    assert value(figures, "connections at a > 0") == 1
    assert value(figures, "flows at f > 0") == 2
    assert value(figures, "fds at a > 0") == 5
    closed = {"local": "a:0", "peer": "b:1", "state": "CLOSE"}
    figures.take(record("sockets", host="a", sockets=[closed], gone=[["a:1", "b:1"]]))
    figures.take(record("conntrack", host="f", entries=[], gone=[["a:1", "b:1"]]))
    assert value(figures, "connections at a = 0") == 0
    assert value(figures, "flows at f > 0") == 1
    figures.take(record("process", host="a", process="q", state="exited"))
    assert value(figures, "fds at a > 0") == 1


def test_events_are_counted_by_host_and_name() -> None:
    figures = Figures()
    for host, event in (("a", "lost"), ("a", "lost"), ("b", "lost"), ("a", "found")):
        figures.take(record("log", host=host, event={"event": event}))
    assert value(figures, "event lost at a") == 2


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["accepted", "acked"]),
            st.sampled_from(["a", "b"]),
            st.lists(st.integers(1, 9), max_size=4),
        ),
        max_size=12,
    )
)
def test_the_queue_holds_what_was_accepted_and_not_acked(records: list[Message]) -> None:
    """Whatever the order: an acknowledgement may be read before the acceptance."""
    figures = Figures()
    for kind, host, numbers in records:
        figures.take(messages(kind, host, *numbers))
    known = {host for kind, host, _ in records if kind == "accepted"}
    depth = 0
    for host in known:
        of = {
            kind: {n for k, h, numbers in records if (k, h) == (kind, host) for n in numbers}
            for kind in ("accepted", "acked")
        }
        assert value(figures, f"queue depth at {host} > 0") == len(of["accepted"] - of["acked"])
        depth += len(of["accepted"] - of["acked"])
    assert value(figures, "queue depth > 0") == (depth if known else None)


def test_whoever_waits_is_woken_by_the_record_that_decides() -> None:
    async def play() -> None:
        conditions = Conditions()
        text = ("3 sent", "2 sent", "queue depth < 1")
        waiting = [
            asyncio.create_task(conditions.reach(parse_condition(each), 60)) for each in text
        ]
        await asyncio.sleep(0)
        conditions.take(messages("sent", "a", 1, 2))
        await asyncio.sleep(0)
        assert await waiting[1] == 2
        assert not waiting[0].done()
        conditions.take(messages("accepted", "a", 1))
        conditions.take(messages("sent", "a", 3))
        assert await waiting[0] == 3
        assert not waiting[2].done()
        conditions.take(messages("acked", "a", 1))
        assert await waiting[2] == 0
        assert await conditions.reach(parse_condition("1 acked"), 60) == 1  # it is so already

    asyncio.run(play())


@pytest.mark.parametrize(
    ("text", "seen"),
    [("3 sent", "the last value was 2"), ("fds at a > 3", "no value was recorded")],
)
def test_what_is_not_met_in_time_says_how_far_it_was(text: str, seen: str) -> None:
    async def play() -> None:
        conditions = Conditions()
        conditions.take(messages("sent", "a", 1, 2))
        await conditions.reach(parse_condition(text), 0.01)

    with pytest.raises(UnmetError, match=f"'{text}' was not met within 0.01 s in the lab: {seen}"):
        asyncio.run(play())


def test_a_lab_that_breaks_lets_nobody_wait() -> None:
    async def play() -> None:
        conditions = Conditions()
        waiting = asyncio.create_task(conditions.reach(parse_condition("3 sent"), 60))
        await asyncio.sleep(0)
        conditions.give_up(LabError("the cable burns"))
        await waiting

    with pytest.raises(LabError, match="the cable burns"):
        asyncio.run(play())
