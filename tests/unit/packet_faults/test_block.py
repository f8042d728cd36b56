"""A block as rules; that the kernel takes them is seen by the lab tests."""

from __future__ import annotations

from typing import Any

from halfopen.packet_faults.block import Block

ADDRESSES = {"server": "198.18.2.2", "client": "fd00:1::1"}


def block(**fields: Any) -> list[dict[str, Any]]:
    rules = Block("firewall", "b", **fields).rules(ADDRESSES)
    return [item["add"]["rule"] for item in rules["nftables"]]


def test_a_block_names_what_it_stops() -> None:
    (everything,) = block()
    assert everything["comment"] == "b"
    own = {"counter": {"packets": 0, "bytes": 0}}
    assert everything["expr"] == [own, {"counter": "blocked"}, {"drop": None}]
    half = block(to="server", share=0.5, manner="unreachable")[0]["expr"]
    assert half[0]["match"]["right"] == "198.18.2.2"
    assert half[1]["match"]["right"] == 500
    assert half[2] == own, "what is counted is what meets all tests"
    assert block(manner="reset")[0]["expr"][0]["match"]["right"] == "tcp"
    assert block(share=0.0001)[0]["expr"][0]["match"]["right"] == 1  # never none


def test_a_block_of_one_client_stops_its_flows_and_what_it_sends_of_no_flow() -> None:
    flows, strangers = block(client="client", longer_than=576)
    key = {"ct": {"key": "ip6 saddr", "dir": "original"}}
    assert flows["comment"] == strangers["comment"] == "b"
    assert flows["expr"][0]["match"] == {
        "op": ">",
        "left": {"meta": {"key": "length"}},
        "right": 576,
    }
    assert flows["expr"][1]["match"] == {"op": "==", "left": key, "right": "fd00:1::1"}
    assert strangers["expr"][2]["match"]["left"]["payload"]["field"] == "saddr"
