"""A profile's values as nftables rules and timers for the kernel's own connection tracking.

The rules are data for `nft -j` (schema: libnftables-json(5)), the timers are settings of the
middlebox's network namespace (Documentation/networking/nf_conntrack-sysctl.rst).  The tracked
state, its timers and their expiry are the kernel's (net/netfilter/nf_conntrack_proto_tcp.c); the
rules only choose what happens to a packet that belongs to no entry, and translate addresses.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from halfopen.errors import UnsupportedError
from halfopen.middlebox import nftables as nft
from halfopen.middlebox.attachment import Attachment
from halfopen.middlebox.nat import FIRST_PORT
from halfopen.middlebox.nftables import Statement

# `never`: longer than any run, and at 1000 ticks a second still within the 31 bits that the kernel
# takes (kernel/sysctl.c, proc_dointvec_jiffies).
LONGEST_TIMER = 20 * 86400

# nf_conntrack_max belongs to the whole machine (Documentation/networking/nf_conntrack-sysctl.rst).
# A run has fewer flows than this, so that a table of this size or more is never full in it.
SMALLEST_TABLE = 50_000

_TRANSLATE = "translate"
"""The chain in which flows get other addresses."""

_SEED = 20261127
"""Of the hash by which a client gets its server: the same client the same one in every run."""

_CONNTRACK = "net.netfilter.nf_conntrack_tcp"


def timers(values: Mapping[str, Any]) -> dict[str, int]:
    """Timers of the TCP states in whole seconds, at least one: conntrack knows nothing finer."""

    def whole(key: str) -> int:
        return min(LONGEST_TIMER, max(1, round(float(values[key]))))

    never = values["idle_timeout"] is None
    idle = LONGEST_TIMER if never else whole("idle_timeout")
    opening, closing = whole("half_open"), whole("half_closed")
    unacknowledged = idle if values.get("unacknowledged") is None else whole("unacknowledged")
    return {
        "established": idle,
        # Linux shortens an entry's life after lost or repeated segments (5 min); most boxes that
        # we play are not known to do so, and their idle timeout stays what it is.
        "unacknowledged": min(idle, unacknowledged),
        "max_retrans": min(idle, unacknowledged),
        "syn_sent": opening,
        "syn_recv": opening,
        "fin_wait": closing,
        "close_wait": closing,
        "last_ack": closing,
        "time_wait": whole("time_wait") if "time_wait" in values else min(closing, 120),
        "close": whole("after_rst") if "after_rst" in values else min(closing, 10),
    }


def shortest_timer(values: Mapping[str, Any]) -> float:
    """Seconds that an established entry lives at least after a packet that changes no state."""
    found = timers(values)
    return float(min(found[key] for key in ("established", "unacknowledged", "max_retrans")))


def settings(values: Mapping[str, Any]) -> dict[str, str]:
    """The sysctls of a middlebox: forwarding, what becomes of strangers, and the timers.

    As settings rather than as a `ct timeout` object of nftables, since such an object cannot be
    changed while entries use it (net/netfilter/nft_ct.c has no update for it), but a middlebox's
    idle timeout can.  A live entry keeps its present time until its next packet.
    """
    # With tcp_loose=1 a late packet opens a new entry at once, and a test of a silent drop passes
    # falsely; it is for those profiles that do take strangers in.
    loose = str(values["late_packet"]).startswith("readmit")
    return {
        "net.ipv4.ip_forward": "1",
        "net.ipv6.conf.all.forwarding": "1",
        f"{_CONNTRACK}_loose": "1" if loose else "0",
        **{f"{_CONNTRACK}_timeout_{key}": str(value) for key, value in timers(values).items()},
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
    if not values["keepalive_refreshes"]:
        return "conntrack counts a keepalive probe as traffic; this profile does not"
    if values.get("lifetime") is not None:
        return "conntrack lets a busy flow live forever; this profile does not"
    if values.get("refreshed_by", "both sides") != "both sides":
        side = values["refreshed_by"]
        return f"conntrack counts packets of both sides; this profile those from {side} only"
    if values.get("flows_per_source") is not None:
        return "conntrack has no limit of flows for each source"
    if values.get("port_reuse", "new flow") != "new flow":
        return "conntrack begins a new flow where a SYN reuses the port of a closed one"
    if (size := values.get("table_size")) is not None and size < SMALLEST_TABLE:
        return f"conntrack's table cannot be limited to {size} flows for one middlebox"
    return None


def compile_rules(values: Mapping[str, Any], attachment: Attachment) -> dict[str, Any]:
    """The table with its chains and rules for `nft -j -f -`.

    Args:
        values: the profile's values, durations in seconds of lab time.
        attachment: its links.

    Raises:
        UnsupportedError: if conntrack cannot play this profile.
    """
    if reason := unsupported(values):
        raise UnsupportedError(reason)
    nat = values.get("nat", "none")
    objects = [
        {"table": {"family": nft.FAMILY, "name": nft.TABLE}},
        {"counter": nft.in_table(nft.LATE)},
        {"counter": nft.in_table(nft.BLOCKED)},
        # Before all else: what a fault blocks.
        nft.chain(nft.FAULTS, "forward", -10, "accept"),
        nft.chain("let-through", "forward", 0, "drop"),
        nft.rule("let-through", nft.state("established", "related"), nft.ACCEPT),
        nft.rule("let-through", nft.TCP, nft.state("new"), nft.flags("syn"), nft.ACCEPT),
        *(nft.rule("let-through", *each) for each in _late(values["late_packet"], attachment)),
        nft.rule("let-through", {"counter": nft.LATE}, nft.ACCEPT if _passes(values) else nft.DROP),
        *(_source(values, attachment) if nat == "source" else ()),
        *(_destination(values, attachment) if nat == "destination" else ()),
    ]
    return {"nftables": [{"add": each} for each in objects]}


def _passes(values: Mapping[str, Any]) -> bool:
    return bool(values["late_packet"] == "pass untranslated")


def _late(late_packet: str, at: Attachment) -> list[list[Statement]]:
    """The rules for a packet of no entry, before it is dropped."""
    late = {"counter": nft.LATE}
    from_inside = nft.meta("iifname", at.inside.name)
    if late_packet == "rst sender":
        return [[nft.TCP, late, nft.REFUSALS["reset"]]]
    if late_packet == "rst inside sender":
        return [[nft.TCP, from_inside, late, nft.REFUSALS["reset"]]]
    # A stranger is NEW to conntrack, if it takes it for the middle of a flow; neither FIN nor RST
    # nor SYN-ACK ever is, so that no close is readmitted.
    if late_packet == "readmit from inside":
        return [[nft.TCP, from_inside, nft.state("new"), nft.ACCEPT]]
    if late_packet == "readmit from anywhere":
        return [[nft.TCP, nft.state("new"), nft.ACCEPT]]
    return []


def _source(values: Mapping[str, Any], at: Attachment) -> list[Statement]:
    """Clients get the outward address, and keep their port if it is free (RFC 5382, REQ-1).

    By `snat`, not `masquerade`: that forgets all flows when the interface goes down, which is
    Linux's habit with addresses that a provider assigns (net/netfilter/nf_nat_masquerade.c).
    """
    translate: Statement = {
        "snat": {"family": nft.ip(at.outside.address), "addr": at.outside.address}
    }
    if (count := values.get("nat_ports")) is not None:
        ports = [FIRST_PORT, FIRST_PORT + count - 1]
        translate["snat"]["port"] = {"range": ports} if count > 1 else FIRST_PORT
    return [
        nft.chain(_TRANSLATE, "postrouting", 100, "accept", "nat"),
        nft.rule(_TRANSLATE, nft.TCP, nft.meta("oifname", at.outside.name), translate),
        *_strangers(values, at.outside.name, values["late_packet"] == "rst sender"),
    ]


def _destination(values: Mapping[str, Any], at: Attachment) -> list[Statement]:
    """Clients connect to the inward address, and reach the server."""
    servers = list(at.pool.values()) or [at.server]
    return [
        nft.chain(_TRANSLATE, "prerouting", -100, "accept", "nat"),
        *_to_servers(values.get("balance"), at, servers),
        *_strangers(values, at.inside.name, values["late_packet"].startswith("rst")),
    ]


def _to_servers(balance: str | None, at: Attachment, servers: Sequence[str]) -> list[Statement]:
    """The rule by which a new flow gets its server; none if there is no server.

    The kernel keeps the choice in the flow's entry: a changed rule is about new flows only.
    """
    if not servers:
        return []
    to: Any = servers[0]
    family = nft.ip(servers[0])
    if len(servers) > 1:
        number = {"mod": len(servers), "offset": 0}
        key: Statement = {"numgen": {"mode": "inc", **number}}
        if balance == "source hash":
            source = {"payload": {"protocol": family, "field": "saddr"}}
            key = {"jhash": {"expr": source, "seed": _SEED, **number}}
        to = {"map": {"key": key, "data": {"set": [[n, each] for n, each in enumerate(servers)]}}}
    public = nft.address("daddr", at.inside.address)
    translate = {"dnat": {"family": family, "addr": to}}
    inward = nft.meta("iifname", at.inside.name)
    return [nft.rule(_TRANSLATE, nft.TCP, inward, public, translate)]


def redirected(balance: str, at: Attachment, drained: Collection[str]) -> dict[str, Any]:
    """What gives new flows to the servers of a pool that are not drained, for `nft -j -f -`.

    Args:
        balance: `round robin` or `source hash`.
        at: the balancer's links.
        drained: names of servers that get no new flows.
    """
    servers = [address for name, address in at.pool.items() if name not in drained]
    empty = {"flush": {"chain": nft.in_table(_TRANSLATE)}}
    return {"nftables": [empty, *({"add": each} for each in _to_servers(balance, at, servers))]}


def _strangers(values: Mapping[str, Any], interface: str, reset: bool) -> list[Statement]:
    """What becomes of late packets for the translated address.

    They are for the middlebox itself, since no entry says for whom else; its own TCP would answer
    with RST, as a Linux router's does.  That is left so where a profile passes packets on
    untranslated.
    """
    if _passes(values):
        return []
    refusal = nft.REFUSALS["reset" if reset else "drop"]
    unknown = nft.state("invalid", "new", "untracked")
    return [
        nft.chain("strangers", "input", 0, "accept"),
        nft.rule(
            "strangers",
            nft.TCP,
            nft.meta("iifname", interface),
            unknown,
            {"counter": nft.LATE},
            refusal,
        ),
    ]
