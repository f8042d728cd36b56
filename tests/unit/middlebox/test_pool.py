"""The pool of a balancer, in the flow table and as rules."""

from __future__ import annotations

from typing import Any

import pytest

from halfopen.middlebox.attachment import Attachment
from halfopen.middlebox.flowtable import FlowTable
from halfopen.middlebox.nat import PoolTranslation
from halfopen.middlebox.packet import Endpoint
from halfopen.middlebox.policy import Policy
from halfopen.middlebox.ruleset import compile_rules, redirected
from halfopen.middlebox.verdict import PacketAction
from halfopen.model.topology import Interface
from tests.unit.middlebox.conversation import IN, OUT, SYN, Conversation

PUBLIC = "203.0.113.1"
ONE, TWO, THREE = "10.1.0.1", "10.1.0.2", "10.1.0.3"
AT = Attachment(
    Interface("left1", "198.18.1.2", 24, "client"),
    Interface("right2", "198.18.2.1", 24, "balancer.outside"),
    ONE,
    {"one": ONE, "two": TWO},
)
VALUES: dict[str, Any] = {
    "idle_timeout": 60.0,
    "on_expiry": "silent",
    "late_packet": "drop",
    "keepalive_refreshes": True,
    "half_open": 30.0,
    "half_closed": 120.0,
    "nat": "destination",
    "balance": "round robin",
}


def balancer(balance: str = "round robin") -> tuple[FlowTable, PoolTranslation]:
    pool = PoolTranslation(PUBLIC, (ONE, TWO, THREE), balance)
    return FlowTable(Policy(idle_timeout=100.0, nat="destination"), pool), pool


def talk(table: FlowTable, port: int, client: str = "10.0.0.1") -> Conversation:
    return Conversation(table, Endpoint(client, port), Endpoint(PUBLIC, 514))


def server(table: FlowTable, port: int, client: str = "10.0.0.1") -> str:
    packet = talk(table, port, client).send(IN, SYN).packet
    assert packet is not None
    return packet.addresses.destination.address


def test_servers_take_turns() -> None:
    table, _ = balancer()
    assert [server(table, port) for port in range(1, 6)] == [ONE, TWO, THREE, ONE, TWO]


def test_looking_is_no_turn_and_a_flow_stays_where_it_is() -> None:
    table, _ = balancer()
    first = talk(table, 1).open()
    assert table.translate(first.addresses[IN]).destination.address == TWO
    assert table.translate(first.addresses[IN]).destination.address == TWO
    assert server(table, 2) == TWO
    onward = first.send(IN, length=5).packet
    assert onward is not None and onward.addresses.destination.address == ONE
    back = first.send(OUT, length=5).packet
    assert back is not None and back.addresses.source == Endpoint(PUBLIC, 514)


def test_a_client_stays_with_its_server_by_its_address_and_clients_differ() -> None:
    table, _ = balancer("source hash")
    of = {f"10.0.0.{n}": {server(table, port, f"10.0.0.{n}") for port in (1, 2)} for n in range(9)}
    assert all(len(servers) == 1 for servers in of.values())
    assert set.union(*of.values()) == {ONE, TWO, THREE}


def test_a_drained_server_keeps_its_flows_and_gets_no_new_ones() -> None:
    table, pool = balancer()
    old = talk(table, 1).open()
    pool.drained.add(ONE)
    assert {server(table, port) for port in range(2, 9)} == {TWO, THREE}
    assert old.send(IN, length=5).action is PacketAction.PASS
    pool.drained.remove(ONE)
    assert ONE in {server(table, port) for port in range(9, 12)}


def test_without_a_server_nobody_is_meant() -> None:
    table, pool = balancer()
    pool.drained |= {ONE, TWO, THREE}
    addresses = talk(table, 1).addresses[IN]
    assert table.translate(addresses) == addresses


def chosen(balance: str) -> dict[str, Any]:
    (rule,) = [
        item["add"]["rule"]
        for item in compile_rules({**VALUES, "balance": balance}, AT)["nftables"]
        if item["add"].get("rule", {}).get("chain") == "translate"
    ]
    found: dict[str, Any] = rule["expr"][-1]["dnat"]["addr"]["map"]
    return found


def test_the_kernel_numbers_new_flows_or_hashes_their_clients() -> None:
    turns = chosen("round robin")
    assert turns["key"] == {"numgen": {"mode": "inc", "mod": 2, "offset": 0}}
    assert turns["data"] == {"set": [[0, ONE], [1, TWO]]}
    hashed = chosen("source hash")["key"]["jhash"]
    assert (hashed["mod"], hashed["expr"]["payload"]["field"]) == (2, "saddr")


@pytest.mark.parametrize(("drained", "left"), [([], 2), (["one"], 1), (["one", "two"], 0)])
def test_the_kernel_is_told_who_is_left(drained: list[str], left: int) -> None:
    flush, *rules = redirected("round robin", AT, drained)["nftables"]
    assert flush["flush"]["chain"]["name"] == "translate"
    assert len(rules) == bool(left)
    if left == 1:
        assert rules[0]["add"]["rule"]["expr"][-1]["dnat"]["addr"] == TWO
