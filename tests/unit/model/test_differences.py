"""Samples as differences: nothing is lost, and what repeats costs nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.model.differences import (
    EntryDifferences,
    Established,
    LatestSample,
    SocketDifferences,
    entry_key,
    socket_key,
)
from halfopen.model.observations import sockets_seen

from ..checkers.histories import LISTEN, Run, client, mine

PORTS = st.integers(min_value=1, max_value=4)
SOCKETS = st.dictionaries(
    PORTS, st.tuples(st.sampled_from(["ESTABLISHED", "CLOSE_WAIT"]), st.integers(0, 2)), max_size=4
)


def socket(port: int, state: str = "ESTABLISHED", **more: Any) -> Any:
    return {"local": f"a:{port}", "peer": "b:1", "state": state, "timer": "off", **more}


@given(st.lists(SOCKETS, max_size=6))
def test_differences_put_together_are_the_samples(
    samples: list[dict[int, tuple[str, int]]],
) -> None:
    differences, latest = SocketDifferences("a"), LatestSample(socket_key)
    established = Established()
    for number, sample in enumerate(samples):
        whole = [socket(port, state, rqueue=n) for port, (state, n) in sorted(sample.items())]
        found = differences.record(whole, float(number))
        assert ("gone" in found) == (number > 0)
        latest.take(found["sockets"], found.get("gone"))
        assert sorted(latest.items.values(), key=socket_key) == whole
        established.take(found)
        assert established.hosts["a"] == {
            socket_key(each) for each in whole if each["state"] == "ESTABLISHED"
        }


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        ({"last_heard_s": 1.0}, {"last_heard_s": 3.01}, False),
        ({"last_heard_s": 1.0}, {"last_heard_s": 0.5}, True),
        ({"timer": "keepalive", "timer_s": 9.0}, {"timer": "keepalive", "timer_s": 7.0}, False),
        ({"timer": "keepalive", "timer_s": 1.0}, {"timer": "keepalive", "timer_s": 0.0}, False),
        ({"timer": "keepalive", "timer_s": 9.0}, {"timer": "keepalive", "timer_s": 9.0}, True),
        ({"timer": "off", "timer_s": 0.0}, {"timer": "off", "timer_s": 0.0}, False),
        ({"unacked": 0}, {"unacked": 1}, True),
        ({"pid": 7}, {"pid": 0}, True),
        ({}, {"last_heard_s": 0.0}, True),
    ],
)
def test_a_clock_that_went_on_is_no_news(
    before: dict[str, Any], after: dict[str, Any], news: bool
) -> None:
    differences = SocketDifferences("a")
    differences.record([socket(1, **before)], 10.0)
    assert bool(differences.record([socket(1, **after)], 12.0)["sockets"]) is news


@pytest.mark.parametrize(("took", "news"), [(0.0, True), (0.2, False)])
def test_a_look_that_took_long_knows_clocks_no_better(took: float, news: bool) -> None:
    differences = SocketDifferences("a")
    differences.record([socket(1, last_heard_s=1.0)], 10.0)
    found = differences.record([socket(1, last_heard_s=3.1)], 12.0, took)
    assert bool(found["sockets"]) is news


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        ({"expires_s": 60}, {"expires_s": 58}, False),
        ({"expires_s": 60}, {"expires_s": 60}, True),
        ({"expires_s": None}, {"expires_s": None}, False),
        ({"expires_s": None}, {"expires_s": 60}, True),
        ({"expires_s": 60, "state": "SYN_SENT"}, {"expires_s": 58}, True),
        ({"expires_s": 60}, {"expires_s": 58, "outside": ["c:1", "b:1"]}, True),
    ],
)
def test_an_expiry_that_came_nearer_is_no_news(
    before: dict[str, Any], after: dict[str, Any], news: bool
) -> None:
    entry: Any = {"client": "a:1", "server": "b:1", "state": "ESTABLISHED"}
    differences, latest = EntryDifferences("f"), LatestSample(entry_key)
    latest.take(differences.record([entry | before], 10.0)["entries"], None)
    found = differences.record([entry | after], 12.0)
    assert bool(found["entries"]) is news
    assert latest.take(found["entries"], found["gone"]) == []
    last = differences.record([], 13.0)
    assert (last["entries"], last["gone"]) == ([], [["a:1", "b:1"]])


def test_what_is_not_listed_again_is_still_there_and_its_clocks_go_on() -> None:
    held = mine(timer="keepalive", timer_s=9.0, last_heard_s=1.0)
    run = Run().sockets("receiver", LISTEN, held)
    run.at(4).add("sockets", host="receiver", sockets=[], gone=[])
    (lifetime,) = sockets_seen(run.at(5).end()).lifetimes
    assert (lifetime.interval.end, lifetime.interval.ended, lifetime.last_seen) == (5, False, 4)
    then = lifetime.at(4)
    assert (then.timer_s, then.last_heard_s) == (5.0, 5.0)
    assert lifetime.last_heard() == lifetime.last_heard(4) == -1.0
    run.at(6).add("sockets", host="receiver", sockets=[], gone=[[held["local"], client()]])
    (lifetime,) = sockets_seen(run.at(7).end()).lifetimes
    assert (lifetime.interval.end, lifetime.interval.ended, lifetime.last_seen) == (6, True, 4)
