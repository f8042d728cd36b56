"""The terms of nftables rules, as data for `nft -j` (libnftables-json(5))."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Statement = dict[str, Any]

FAMILY: Final = "inet"
TABLE: Final = "middlebox"
LATE: Final = "late"
"""The counter of packets that fitted no entry."""
BLOCKED: Final = "blocked"
"""The counter of packets that a fault stopped."""
FAULTS: Final = "faults"
"""The chain of what faults do, before all else."""

DROP: Statement = {"drop": None}
ACCEPT: Statement = {"accept": None}
REFUSALS: Mapping[str, Statement] = {
    "drop": DROP,
    "reset": {"reject": {"type": "tcp reset"}},
    # ICMP and ICMPv6 alike: type 3 code 1 (RFC 792), type 1 code 3 (RFC 4443).
    "unreachable": {"reject": {"type": "icmpx", "expr": "host-unreachable"}},
}


def match(op: str, left: Any, right: Any) -> Statement:
    """A comparison that must be true."""
    return {"match": {"op": op, "left": left, "right": right}}


def meta(key: str, value: str) -> Statement:
    """A property of the packet apart from its bytes: an interface, the protocol."""
    return match("==", {"meta": {"key": key}}, value)


TCP = meta("l4proto", "tcp")


def state(*names: str) -> Statement:
    """The state of the packet's entry in connection tracking is one of these."""
    right: Any = names[0] if len(names) == 1 else list(names)
    return match("in", {"ct": {"key": "state"}}, right)


_FLAGS: Final = {"payload": {"protocol": "tcp", "field": "flags"}}


def flags(*names: str) -> Statement:
    """Of SYN, ACK, RST and FIN, these and no other."""
    mask = {"|": [{"|": [{"|": ["syn", "ack"]}, "rst"]}, "fin"]}
    right: Any = names[0] if len(names) == 1 else {"|": list(names)}
    return match("==", {"&": [_FLAGS, mask]}, right)


def has_flag(name: str) -> Statement:
    """This flag of TCP, whatever others."""
    return match("!=", {"&": [_FLAGS, name]}, 0)


def ip(address: str) -> str:
    """The name of the IP version of an address."""
    return "ip6" if ":" in address else "ip"


def address(field: str, address: str) -> Statement:
    """The packet has this address in a field (`saddr`, `daddr`)."""
    return match("==", {"payload": {"protocol": ip(address), "field": field}}, address)


def chain(name: str, hook: str, priority: int, policy: str, kind: str = "filter") -> Statement:
    """A chain of the middlebox's table."""
    return {"chain": {**in_table(name), "type": kind, "hook": hook, "prio": priority}
            | {"policy": policy}}  # fmt: skip


def rule(name: str, *expressions: Statement) -> Statement:
    """A rule at the end of a chain."""
    return {"rule": {"family": FAMILY, "table": TABLE, "chain": name, "expr": [*expressions]}}


def in_table(name: str) -> dict[str, Any]:
    """An object of the middlebox's table."""
    return {"family": FAMILY, "table": TABLE, "name": name}
