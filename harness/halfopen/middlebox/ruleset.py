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

# nf_conntrack_max belongs to the whole machine (Documentation/networking/nf_conntrack-sysctl.rst).
# A run has fewer flows than this, so that a table of this size or more is never full in it.
SMALLEST_TABLE = 50_000

FAMILY = "ip"
TABLE = "middlebox"
LATE = "late"
BLOCKED = "blocked"
FAULTS = "faults"
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
    unacknowledged = idle if values.get("unacknowledged") is None else whole("unacknowledged")
    return {
        "established": idle,
        # Linux shortens an entry's life after lost or repeated segments (5 min); most boxes that
        # we play are not known to do so, and their idle timeout stays what it is.
        "unack": min(idle, unacknowledged),
        "retrans": min(idle, unacknowledged),
        "syn_sent": opening,
        "syn_recv": opening,
        "fin_wait": closing,
        "close_wait": closing,
        "last_ack": closing,
        "time_wait": whole("time_wait") if "time_wait" in values else min(closing, 120),
        "close": whole("after_rst") if "after_rst" in values else min(closing, 10),
    }


def unsupported(values: Mapping[str, Any]) -> str | None:
    """What of a profile conntrack cannot do, in words; None if it can do all."""
    if values.get("terminates_tcp"):
        return (
            "this is a proxy: it ends the client's connection and makes another to the server, "
            "and answers keepalive probes by itself, so no silent idle drop can be seen across it"
        )
    if values["on_expiry"] != "silent":
        return f"the conntrack engine cannot end an idle flow with {values['on_expiry']!r}"
    if values["late_packet"] not in ("drop", "rst sender"):
        return f"the conntrack engine cannot treat a late packet with {values['late_packet']!r}"
    if not values["keepalive_refreshes"]:
        return "conntrack counts a keepalive probe as traffic; this profile does not"
    if (size := values.get("table_size")) is not None and size < SMALLEST_TABLE:
        return f"conntrack's table cannot be limited to {size} flows for one middlebox"
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
    late_verdict = _REFUSALS["reset" if values["late_packet"] == "rst sender" else "drop"]
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
        {"counter": _in_table(BLOCKED)},
        # Above -200, where conntrack itself sits, and before the entry is confirmed: only then
        # does the kernel take a timeout policy (net/netfilter/nft_ct.c).
        chain("choose-timers", "prerouting", -150, "accept"),
        rule("choose-timers", tcp, new, {"ct timeout": TIMERS}),
        # Before all else: what a fault blocks.
        chain(FAULTS, "forward", -10, "accept"),
        chain("let-through", "forward", 0, "drop"),
        rule("let-through", known, {"accept": None}),
        rule("let-through", tcp, new, only_syn, {"accept": None}),
        rule("let-through", {"counter": LATE}, late_verdict),
    ]
    return {"nftables": [{"add": each} for each in objects]}


_REFUSALS: Mapping[str, dict[str, Any]] = {
    "drop": {"drop": None},
    "reset": {"reject": {"type": "tcp reset"}},
    "unreachable": {"reject": {"type": "icmp", "expr": "host-unreachable"}},
}


def compile_block(
    name: str, to: str | None, share: float, manner: str, only_new: bool = False
) -> dict[str, Any]:
    """The rule of a block, for `nft -j -f -`.

    Args:
        name: comment by which the rule is found again.
        to: address of the host towards which packets are blocked; None: in both directions.
        share: of the packets, by chance, to a thousandth.
        manner: drop, reset or unreachable.
        only_new: only packets that begin a flow.
    """
    tests: list[dict[str, Any]] = []
    if only_new:
        state = {"ct": {"key": "state"}}
        tests.append({"match": {"op": "in", "left": state, "right": "new"}})
    if manner == "reset":  # there is no RST for anything else
        tests.append({"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}})
    if to is not None:
        address = {"payload": {"protocol": "ip", "field": "daddr"}}
        tests.append({"match": {"op": "==", "left": address, "right": to}})
    if share < 1:
        dice = {"numgen": {"mode": "random", "mod": 1000, "offset": 0}}
        right = max(1, round(share * 1000))
        tests.append({"match": {"op": "<", "left": dice, "right": right}})
    rule = {
        "family": FAMILY,
        "table": TABLE,
        "chain": FAULTS,
        "comment": name,
        "expr": [*tests, {"counter": BLOCKED}, _REFUSALS[manner]],
    }
    return {"nftables": [{"add": {"rule": rule}}]}


def _in_table(name: str) -> dict[str, Any]:
    return {"family": FAMILY, "table": TABLE, "name": name}
