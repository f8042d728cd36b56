"""The connection tracking table of the calling thread's network namespace, and its events.

Source: include/uapi/linux/netfilter/nfnetlink_conntrack.h, nf_conntrack_tcp.h.

The kernel counts an entry as expired on every lookup, but removes it, and says so, lazily.  A
dump removes what has expired (ctnetlink_dump_table), so the sampling itself bounds the delay.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable
from typing import Any

from pyroute2 import NFCTSocket
from pyroute2.netlink.nfnetlink.nfctsocket import NFCTAttrTuple, nfct_msg

_NETLINK_NETFILTER = 12
_GROUP_NEW, _GROUP_DESTROY = 1 << 0, 1 << 2
_MSG_NEW, _MSG_DELETE = 0, 2
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

Flow = tuple[str, str]


class FlowTable:
    """Entries and events of a middlebox; made and used in one thread inside its namespace."""

    def __init__(self) -> None:
        self._table = NFCTSocket()
        self._events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        self._events.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._events.bind((0, _GROUP_NEW | _GROUP_DESTROY))
        self._events.setblocking(False)
        self._states: dict[Flow, str] = {}
        self._tuples: dict[Flow, NFCTAttrTuple] = {}
        self._forgotten: set[Flow] = set()

    def read(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The TCP entries now, and the events since the last call.

        Returns:
            entries as `{client, server, state, expires_s}` and events as
            `{event, client, server, cause, state}`; cause is expired, closed or forgotten.
        """
        entries = []
        # First the dump: it makes the kernel speak of what has expired.
        for message in self._table.dump():
            flow, state = self._remember(message)
            if flow is not None:
                expires = message.get_attr("CTA_TIMEOUT") or 0
                entries.append(
                    {"client": flow[0], "server": flow[1], "state": state, "expires_s": expires}
                )
        return sorted(entries, key=lambda e: (e["server"], e["client"])), list(self._new_events())

    def forget(self, clients: Iterable[str] | None = None) -> list[Flow]:
        """Remove entries, silently for both ends, as when an operator clears the session table.

        Args:
            clients: addresses whose flows go; None for all.

        Returns:
            the flows that are gone, (client, server).
        """
        addresses = None if clients is None else set(clients)
        gone = []
        for flow in [self._remember(message)[0] for message in self._table.dump()]:
            if flow is None:
                continue
            if addresses is None or flow[0].rpartition(":")[0] in addresses:
                # An entry may have expired between the dump and now: then it is gone all the same.
                with contextlib.suppress(OSError):
                    self._table.entry("del", tuple_orig=self._tuples[flow])
                self._forgotten.add(flow)
                gone.append(flow)
        return gone

    def _remember(self, message: Any) -> tuple[Flow | None, str]:
        parsed = _tuple(message)
        if parsed is None:
            return None, ""
        flow, attributes = parsed
        state = _state(message) or self._states.get(flow, "NONE")
        self._states[flow] = state
        self._tuples[flow] = attributes
        return flow, state

    def _new_events(self) -> Iterable[dict[str, Any]]:
        while True:
            try:
                data = self._events.recv(1 << 16)
            except BlockingIOError:
                return
            message = nfct_msg(data)
            message.decode()
            parsed = _tuple(message)
            if parsed is None:
                continue
            flow = parsed[0]
            known = self._states.get(flow, "NONE")
            state = _state(message) or known
            record = {"client": flow[0], "server": flow[1], "state": state}
            kind = message["header"]["type"] & 0xFF
            if kind == _MSG_NEW:
                yield {"event": "created", **record}
            elif kind == _MSG_DELETE:
                cause = "closed" if state in _CLOSING or known in _CLOSING else "expired"
                if flow in self._forgotten:
                    cause = "forgotten"
                    self._forgotten.discard(flow)
                self._states.pop(flow, None)
                self._tuples.pop(flow, None)
                yield {"event": "destroyed", **record, "cause": cause}


def _tuple(message: Any) -> tuple[Flow, NFCTAttrTuple] | None:
    """The flow of a message as (client, server), for TCP over IPv4; None for anything else."""
    original = message.get_attr("CTA_TUPLE_ORIG")
    if original is None:
        return None
    ip, proto = original.get_attr("CTA_TUPLE_IP"), original.get_attr("CTA_TUPLE_PROTO")
    source = ip.get_attr("CTA_IP_V4_SRC") if ip else None
    if source is None or proto is None or proto.get_attr("CTA_PROTO_NUM") != socket.IPPROTO_TCP:
        return None
    target = ip.get_attr("CTA_IP_V4_DST")
    sport, dport = proto.get_attr("CTA_PROTO_SRC_PORT"), proto.get_attr("CTA_PROTO_DST_PORT")
    attributes = NFCTAttrTuple(
        saddr=source, daddr=target, proto=socket.IPPROTO_TCP, sport=sport, dport=dport
    )
    return (f"{source}:{sport}", f"{target}:{dport}"), attributes


def _state(message: Any) -> str | None:
    info = message.get_attr("CTA_PROTOINFO")
    tcp = info.get_attr("CTA_PROTOINFO_TCP") if info else None
    number = tcp.get_attr("CTA_PROTOINFO_TCP_STATE") if tcp else None
    return _STATES[number] if number is not None and number < len(_STATES) else None
