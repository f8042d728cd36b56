"""Flows across address translation: two ends that know each other by other names."""

from __future__ import annotations

from typing import Any

from halfopen.model.flows import flows, half_open

from .histories import LISTEN, Run, theirs

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
    assert (found.socket.host, found.stretch.ended) == ("receiver", False)


def test_a_flow_that_got_another_port_is_the_same_flow() -> None:
    run = translated().at(4)
    run.add("conntrack", host="firewall", entries=[{**entry(REBOUND), "state": "ESTABLISHED"}])
    history = run.at(9).both([theirs()], [at_server(REBOUND)]).end()
    (flow,) = flows(history)
    assert {presence.peer for presence in flow.server_sockets} == {OUTSIDE[0], REBOUND[0]}


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
