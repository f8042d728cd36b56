"""A profile's values as nftables rules for the kernel's own connection tracking.

The rules are data for `nft -j` (schema: libnftables-json(5)).  The tracked state, its timers and
their expiry are the kernel's (net/netfilter/nf_conntrack_proto_tcp.c); the rules only choose the
timers and what happens to a packet that belongs to no entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from halfopen.errors import UnsupportedError

# `never`: longer than any run, and still within the kernel's 32 bits of ticks.
LONGEST_TIMER = 100 * 86400

FAMILY = "ip"
TABLE = "middlebox"
LATE = "late"
TIMERS = "idle"

# Without tcp_loose=0 a late packet opens a new entry at once, and a test of a silent drop passes
# falsely; see Documentation/networking/nf_conntrack-sysctl.rst.
SYSCTLS: Mapping[str, str] = {
    "net.ipv4.ip_forward": "1",
    "net.netfilter.nf_conntrack_tcp_loose": "0",
}


# net/netfilter/nf_conntrack_proto_tcp.c, tcp_timeouts: `nft list` leaves these out.
KERNEL_TIMERS: Mapping[str, int] = {
    "syn_sent": 120,
    "syn_recv": 60,
    "established": 432_000,
    "fin_wait": 120,
    "close_wait": 60,
    "last_ack": 30,
    "time_wait": 120,
    "close": 10,
    "retrans": 300,
    "unack": 300,
}


def timers(values: Mapping[str, Any]) -> dict[str, int]:
    """Timers of the TCP states in whole seconds, at least one: conntrack knows nothing finer."""

    def whole(key: str) -> int:
        return max(1, round(float(values[key])))

    never = values["idle_timeout"] is None
    idle = LONGEST_TIMER if never else whole("idle_timeout")
    opening, closing = whole("half_open"), whole("half_closed")
    return {
        "established": idle,
        # Linux shortens an entry's life after lost or repeated segments (5 min); the boxes that
        # we play are not known to do so, and their idle timeout stays what it is.
        "unack": idle,
        "retrans": idle,
        "syn_sent": opening,
        "syn_recv": opening,
        "fin_wait": closing,
        "close_wait": closing,
        "last_ack": closing,
        "time_wait": min(closing, 120),
        "close": min(closing, 10),
    }


def unsupported(values: Mapping[str, Any]) -> str | None:
    """What of a profile conntrack cannot do, in words; None if it can do all."""
    if values["on_expiry"] != "silent":
        return f"the conntrack engine cannot end an idle flow with {values['on_expiry']!r}"
    if values["late_packet"] not in ("drop", "rst sender"):
        return f"the conntrack engine cannot treat a late packet with {values['late_packet']!r}"
    if not values["keepalive_refreshes"]:
        return "conntrack counts a keepalive probe as traffic; this profile does not"
    if values.get("nat", "none") != "none":
        return f"address translation ({values['nat']}) is not built yet"
    return None


def compile_timers(values: Mapping[str, Any]) -> str:
    """The table and its timeout policy, for `nft -f -`, to be loaded before the rules.

    As text, since nft 1.0.6 takes a timeout policy in JSON and then silently leaves it empty.
    """
    policy = ", ".join(f"{state} : {seconds}" for state, seconds in timers(values).items())
    return (
        f"table {FAMILY} {TABLE} {{\n ct timeout {TIMERS} {{\n  protocol tcp\n  l3proto {FAMILY}\n"
        f"  policy = {{ {policy} }}\n }}\n}}\n"
    )


def compile_rules(values: Mapping[str, Any]) -> dict[str, Any]:
    """The chains and rules for `nft -j -f -`, to be loaded after the timers.

    Args:
        values: the profile's values, durations in seconds of lab time.

    Raises:
        UnsupportedError: if conntrack cannot play this profile.
    """
    if reason := unsupported(values):
        raise UnsupportedError(reason)
    late_verdict: dict[str, Any] = {"drop": None}
    if values["late_packet"] == "rst sender":
        late_verdict = {"reject": {"type": "tcp reset"}}
    state = {"ct": {"key": "state"}}
    only_syn = {
        "match": {
            "op": "==",
            "left": {
                "&": [
                    {"payload": {"protocol": "tcp", "field": "flags"}},
                    {"|": [{"|": [{"|": ["syn", "ack"]}, "rst"]}, "fin"]},
                ]
            },
            "right": "syn",
        }
    }
    tcp = {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}}

    def chain(name: str, hook: str, priority: int, policy: str) -> dict[str, Any]:
        return {"chain": {**_in_table(name), "type": "filter", "hook": hook, "prio": priority}
                | {"policy": policy}}  # fmt: skip

    def rule(name: str, *expressions: dict[str, Any]) -> dict[str, Any]:
        return {"rule": {"family": FAMILY, "table": TABLE, "chain": name, "expr": [*expressions]}}

    new = {"match": {"op": "in", "left": state, "right": "new"}}
    known = {"match": {"op": "in", "left": state, "right": ["established", "related"]}}
    objects = [
        {"counter": _in_table(LATE)},
        # Above -200, where conntrack itself sits, and before the entry is confirmed: only then
        # does the kernel take a timeout policy (net/netfilter/nft_ct.c).
        chain("choose-timers", "prerouting", -150, "accept"),
        rule("choose-timers", tcp, new, {"ct timeout": TIMERS}),
        chain("let-through", "forward", 0, "drop"),
        rule("let-through", known, {"accept": None}),
        rule("let-through", tcp, new, only_syn, {"accept": None}),
        rule("let-through", {"counter": LATE}, late_verdict),
    ]
    return {"nftables": [{"add": each} for each in objects]}


def _in_table(name: str) -> dict[str, Any]:
    return {"family": FAMILY, "table": TABLE, "name": name}
