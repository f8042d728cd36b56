"""The connection tracking table of the calling thread's network namespace, and its events.

Source: include/uapi/linux/netfilter/nfnetlink_conntrack.h, nf_conntrack_tcp.h.

The kernel counts an entry as expired on every lookup, but removes it, and says so, lazily.  A
dump removes what has expired (ctnetlink_dump_table) even if it is filtered so that it shows
nothing; such a dump is cheap however many flows there are, and bounds how late an expiry is seen.
But a dump walks the machine's whole table, milliseconds on a large one, so a few flows are asked
for one by one: who looks for an expired entry removes it too (____nf_conntrack_find).
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from halfopen.model.records import FlowEntry, FlowRecord
from halfopen.model.topology import endpoint
from halfopen.probes import netlink
from halfopen.probes.netlink import attribute, attributes

_CTNETLINK = 1 << 8  # NFNL_SUBSYS_CTNETLINK
_NEW, _GET, _DELETE = _CTNETLINK | 0, _CTNETLINK | 1, _CTNETLINK | 2
_GROUP_NEW, _GROUP_UPDATE, _GROUP_DESTROY = 1 << 0, 1 << 1, 1 << 2
_TUPLE_ORIG, _TUPLE_REPLY, _PROTOINFO, _TIMEOUT, _MARK, _MARK_MASK = 1, 2, 4, 7, 8, 21
_TUPLE_IP, _TUPLE_PROTO = 1, 2
_V4, _V6 = (1, 2), (3, 4)
_PROTO_NUM, _SRC_PORT, _DST_PORT = 1, 2, 3
_STATES = (
    "NONE",
    "SYN_SENT",
    "SYN_RECV",
    "ESTABLISHED",
    "FIN_WAIT",
    "CLOSE_WAIT",
    "LAST_ACK",
    "TIME_WAIT",
    "CLOSE",
    "SYN_SENT2",
)
_CLOSING = {"FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE"}
_ANY_FAMILY = bytes(4)  # struct nfgenmsg
# Nobody marks flows in a middlebox of ours: this fits none of them.
_NOTHING = (
    _ANY_FAMILY + attribute(_MARK, b"\xff\xff\xff\xff") + attribute(_MARK_MASK, b"\xff\xff\xff\xff")
)
# To ask for so many one by one costs a quarter of a dump of a table of 2^18 buckets.
_FEW = 100
# Deletions between two looks at what was destroyed: an ordinary user's socket keeps a few hundred
# events, no more.
_AT_ONCE = 100

ClientServer = tuple[str, str]
"""Of a flow: `address:port` of its client and of its server."""

_Cause = Literal["expired", "forgotten", "closed"]


@dataclass(slots=True)
class _Known:
    """A TCP flow that was heard of, oldest first in the table.

    Attributes:
        flow: client and server as the client sees them.
        outside: as the server sees them, None if that is the same.
        family: of its addresses, as in a message's head.
        state: the last that was heard of.
        deadline: when it is over, unless a packet comes; by the clock of `time.monotonic`.
    """

    flow: ClientServer
    outside: ClientServer | None
    family: int
    state: str = "NONE"
    deadline: float = 0.0

    def entry(self, now: float) -> FlowEntry:
        """As an entry of a `conntrack` record at `now`."""
        entry = FlowEntry(
            client=self.flow[0],
            server=self.flow[1],
            state=self.state,
            expires_s=max(0, round(self.deadline - now)),
        )
        if self.outside is not None:
            entry["outside"] = list(self.outside)
        return entry

    def record(self, host: str, event: Literal["created", "destroyed"]) -> FlowRecord:
        """What happened to it, as a record."""
        record = FlowRecord(
            kind="flow",
            host=host,
            event=event,
            client=self.flow[0],
            server=self.flow[1],
            state=self.state,
        )
        if self.outside is not None:
            record["outside"] = list(self.outside)
        return record


class ConntrackTable:
    """Entries and events of a middlebox; made and used in one thread inside its namespace.

    Args:
        host: name of the middlebox, for the records.
        shortest: seconds that an entry lives at least after a packet that is not told of: the
            shortest of the timers that the kernel can choose while the state stays the same.
    """

    def __init__(self, host: str, shortest: float = 0.0) -> None:
        self._host = host
        self.shortest = shortest
        self.version = 0  # becomes another with every flow and every state
        self._table = netlink.RequestSocket(netlink.NETFILTER)
        groups = _GROUP_NEW | _GROUP_UPDATE | _GROUP_DESTROY
        self.events = netlink.Events(netlink.NETFILTER, groups, reliable=True)
        self._known: dict[bytes, _Known] = {}  # by their original tuple, the oldest first
        self._forgotten: set[bytes] = set()
        self._news: list[FlowRecord] = []
        self._filters = True
        self._due = 0.0

    @property
    def due(self) -> float:
        """When to ask for what has become of flows, by the clock of `time.monotonic`."""
        return self._due

    def close(self) -> None:
        """Let go of its sockets."""
        self._table.close()
        self.events.close()

    def news(self) -> list[FlowRecord]:
        """What became of flows since the last call."""
        self._read_events()
        if time.monotonic() >= self._due:
            self._reap()
            self._read_events()
        if self.events.lost:
            self._catch_up()
        news, self._news = self._news, []
        return news

    def look(self, whole: bool = False) -> None:
        """Ask until when every entry lives.

        Args:
            whole: ask for all that there are, not for those that were heard of.
        """
        begun = time.monotonic()
        entries = self._dump() if whole or len(self._known) > _FEW else self._each()
        for payload in entries:
            self._learn(payload, attributes(payload, 4))
        deadlines = [known.deadline for known in self._known.values()]
        self._due = min([begun + self.shortest, *deadlines])

    def entries(self) -> list[FlowEntry]:
        """The TCP entries as last heard of, ordered by server and client.

        Their `expires_s` is as of the last :meth:`look`; a packet since then has made it more.
        """
        now = time.monotonic()
        found = [known.entry(now) for known in self._known.values()]
        return sorted(found, key=lambda e: (e["server"], e["client"]))

    def forget(
        self, clients: Collection[str] | None = None, every: int = 1, most: int | None = None
    ) -> tuple[list[ClientServer], list[FlowRecord]]:
        """Remove entries, silently for both ends, as when an operator clears the session table.

        Args:
            clients: addresses whose flows go; None for all.
            every: only every n-th of them, the oldest is the first.
            most: at most this many, the oldest first.

        Returns:
            the flows that are gone, (client, server), and what :meth:`news` says of them.
        """
        news = self.news()
        chosen = [
            raw
            for raw, known in self._known.items()
            if clients is None or _address(known.flow[0]) in clients
        ][::every][:most]
        gone = [self._known[raw].flow for raw in chosen]
        self._forgotten.update(chosen)
        if len(chosen) == len(self._known) <= _AT_ONCE:
            # As a whole: whatever else the table holds goes too.
            self._table.ask(_DELETE, 0, _ANY_FAMILY)
        for start in range(0, len(chosen), _AT_ONCE):
            bodies = [
                _named(raw, self._known[raw].family)
                for raw in chosen[start : start + _AT_ONCE]
                if raw in self._known
            ]
            # An entry may have expired meanwhile: then it is gone all the same.
            self._table.ask_all(_DELETE, 0, bodies, missing=True)
            self._read_events()
        return gone, news + self.news()

    def _dump(self) -> Iterator[bytes]:
        for _, payload in self._table.dump(_GET, _ANY_FAMILY):
            yield payload

    def _each(self) -> Iterator[bytes]:
        for raw, known in list(self._known.items()):
            payload = self._table.get(_GET, _named(raw, known.family))
            if payload is not None:  # else an event says what became of it
                yield payload

    def _reap(self) -> None:
        """Make the kernel speak of what has expired."""
        if len(self._known) <= _FEW:
            self.look()
            return
        if self._filters:
            try:
                for _ in self._table.dump(_GET, _NOTHING):
                    pass
            except OSError:
                self._filters = False  # no CONFIG_NF_CONNTRACK_MARK
            else:
                return
        for _ in self._table.dump(_GET, _ANY_FAMILY):
            pass

    def _learn(self, payload: bytes, parts: dict[int, bytes]) -> _Known | None:
        raw = parts.get(_TUPLE_ORIG, b"")
        known = self._known.get(raw)
        state = _state(parts.get(_PROTOINFO))
        if known is None:
            flow = _flow(raw)
            if flow is None:
                return None
            reply = _flow(parts.get(_TUPLE_REPLY, b"")) or (flow[1], flow[0])
            outside = None if reply == (flow[1], flow[0]) else (reply[1], reply[0])
            known = self._known[raw] = _Known(flow, outside, payload[0], state or "NONE")
            self.version += 1
            self._news.append(known.record(self._host, "created"))
        elif state is not None and state != known.state:
            known.state = state
            self.version += 1
        if (timeout := parts.get(_TIMEOUT)) is not None:
            known.deadline = time.monotonic() + int.from_bytes(timeout, "big")
            self._due = min(self._due, known.deadline)
        return known

    def _read_events(self) -> None:
        for kind, payload in self.events.read():
            parts = attributes(payload, 4)
            raw = parts.get(_TUPLE_ORIG, b"")
            before = self._known.get(raw)
            last = "NONE" if before is None else before.state
            known = self._learn(payload, parts)
            if known is not None and kind == _DELETE:
                self._destroyed(raw, known, last)

    def _destroyed(self, raw: bytes, known: _Known, last: str) -> None:
        cause: _Cause = "closed" if known.state in _CLOSING or last in _CLOSING else "expired"
        if raw in self._forgotten:
            cause = "forgotten"
            self._forgotten.discard(raw)
        self._known.pop(raw, None)
        self.version += 1
        record = known.record(self._host, "destroyed")
        record["cause"] = cause
        self._news.append(record)

    def _catch_up(self) -> None:
        """Events were lost: what the table says now is told in their place."""
        self.events.lost = False
        there = set()
        for _, payload in self._table.dump(_GET, _ANY_FAMILY):
            parts = attributes(payload, 4)
            there.add(parts.get(_TUPLE_ORIG, b""))
            self._learn(payload, parts)
        for raw, known in [(r, k) for r, k in self._known.items() if r not in there]:
            self._destroyed(raw, known, known.state)


def _named(raw: bytes, family: int) -> bytes:
    """A request's body for the entry with that original tuple."""
    return bytes([family, 0, 0, 0]) + attribute(_TUPLE_ORIG, raw, nested=True)


def _address(name: str) -> str:
    return name.rpartition(":")[0].strip("[]")


def _flow(raw: bytes) -> ClientServer | None:
    """The source and destination of a tuple, for TCP; None for anything else."""
    parts = attributes(raw)
    ip, proto = attributes(parts.get(_TUPLE_IP, b"")), attributes(parts.get(_TUPLE_PROTO, b""))
    if proto.get(_PROTO_NUM, b"\0")[0] != socket.IPPROTO_TCP:
        return None
    family, (source, target) = (socket.AF_INET, _V4) if _V4[0] in ip else (socket.AF_INET6, _V6)
    if source not in ip or target not in ip:
        return None
    (sport,), (dport,) = (struct.unpack("!H", proto[each]) for each in (_SRC_PORT, _DST_PORT))
    return (
        endpoint(socket.inet_ntop(family, ip[source]), sport),
        endpoint(socket.inet_ntop(family, ip[target]), dport),
    )


def _state(protoinfo: bytes | None) -> str | None:
    if protoinfo is None:
        return None
    state = attributes(attributes(protoinfo).get(1, b"")).get(1)
    return _STATES[state[0]] if state and state[0] < len(_STATES) else None
