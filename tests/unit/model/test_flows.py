"""Flows: three places brought together, across address translation too."""

from __future__ import annotations

from typing import Any

import pytest

from halfopen.model.flows import flows, half_open
from tests.unit.checkers.histories import LISTEN, Run, flow, incident, mine, theirs

INSIDE = ("10.0.1.1:40001", "10.0.2.2:2514")
OUTSIDE = ("10.0.2.1:40001", "10.0.2.2:2514")
REBOUND = ("10.0.2.1:50000", "10.0.2.2:2514")


def at_server(outside: tuple[str, str]) -> dict[str, Any]:
    return {"local": outside[1], "peer": outside[0], "state": "ESTABLISHED", "pid": 20}


def entry(outside: tuple[str, str]) -> dict[str, Any]:
    return {"client": INSIDE[0], "server": INSIDE[1], "outside": list(outside)}


def translated() -> Run:
    run = Run()
    run.at(1).add("flow", host="firewall", event="created", **entry(OUTSIDE))
    return run.at(2).both([theirs()], [at_server(OUTSIDE)])


def test_both_ends_and_the_entry_are_one_flow() -> None:
    history = translated().at(9).both([theirs()], [at_server(OUTSIDE)]).end()
    (flow,) = flows(history)
    assert (flow.client, flow.server) == INSIDE
    assert [len(x) for x in (flow.client_sockets, flow.server_sockets, flow.entries)] == [1, 1, 1]
    assert half_open(history, [flow]) == []


def test_a_dead_client_is_seen_at_the_server() -> None:
    history = translated().at(5).both([], [at_server(OUTSIDE)]).at(9)
    ended = history.sockets("receiver", LISTEN, at_server(OUTSIDE)).end()
    (found,) = half_open(ended, flows(ended))
    assert (found.socket.host, found.interval.ended) == ("receiver", False)


def test_a_flow_that_got_another_port_is_the_same_flow() -> None:
    run = translated().at(4)
    run.add("conntrack", host="firewall", entries=[{**entry(REBOUND), "state": "ESTABLISHED"}])
    history = run.at(9).both([theirs()], [at_server(REBOUND)]).end()
    (flow,) = flows(history)
    assert {lifetime.peer for lifetime in flow.server_sockets} == {OUTSIDE[0], REBOUND[0]}


def test_two_translations_in_a_row() -> None:
    run = Run().at(1)
    run.add("flow", host="a", event="created", **entry(OUTSIDE))
    second = ("10.0.3.1:40001", "10.0.3.2:2514")
    run.add(
        "flow",
        host="b",
        event="created",
        client=OUTSIDE[0],
        server=OUTSIDE[1],
        outside=list(second),
    )
    history = run.at(2).both([theirs()], [at_server(second)]).end()
    (flow,) = flows(history)
    assert {each.host for each in flow.entries} == {"a", "b"}
    assert len(flow.server_sockets) == 1


def test_the_join_brings_three_places_together() -> None:
    first, second = flows(incident().end())
    assert (first.name, second.name) == (flow(), flow(40002))
    assert [(e.cause, e.interval.start, e.interval.end) for e in first.entries] == [
        ("expired", 1, 11)
    ]
    assert (first.client_sockets[0].host, first.server_sockets[0].host) == ("sender", "receiver")
    assert [(s.start, s.end) for s in first.client_sockets[0].alive] == [(1, 22)]
    assert [h.flow.name for h in half_open(incident().end(), [first, second])] == [flow()]


@pytest.mark.parametrize("listen", [True, False])
def test_the_client_is_known_without_a_middlebox(listen: bool) -> None:
    run = Run().sockets("sender", theirs()).sockets("receiver", *[LISTEN] * listen, mine())
    (one,) = flows(run.at(1).end())
    assert one.name == flow()
    assert len(one.client_sockets) == len(one.server_sockets) == 1
