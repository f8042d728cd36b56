"""TCP sockets of the calling thread's network namespace, with timers and TCP_INFO.

Source: sock_diag(7), include/uapi/linux/inet_diag.h, include/uapi/linux/tcp.h.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, IPPROTO_TCP, inet_ntop

from halfopen.model.records import SocketFields
from halfopen.model.topology import endpoint
from halfopen.probes import netlink

# include/net/tcp_states.h
_STATES = {
    1: "ESTABLISHED",
    2: "SYN_SENT",
    3: "SYN_RECV",
    4: "FIN_WAIT1",
    5: "FIN_WAIT2",
    6: "TIME_WAIT",
    7: "CLOSE",
    8: "CLOSE_WAIT",
    9: "LAST_ACK",
    10: "LISTEN",
    11: "CLOSING",
    12: "NEW_SYN_RECV",
}
# net/ipv4/tcp_diag.c, `idiag_timer`
_TIMERS = {0: "off", 1: "retransmit", 2: "keepalive", 3: "timewait", 4: "persist"}
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_DESTROY = 21  # SOCK_DESTROY
INFO = 2  # INET_DIAG_INFO; the request's bit is one less
_ALL_STATES = 0xFFF
_LISTEN = 10
_REQUEST = struct.Struct("=BBBxI48x")  # struct inet_diag_req_v2, any address
# struct inet_diag_msg: family, state, timer, retrans; ports, addresses; expires, queues, inode
_MESSAGE = struct.Struct("=BBBB2s2s16s16s12xIII4xI")
MESSAGE_SIZE = _MESSAGE.size
COOKIE = slice(44, 52)  # idiag_cookie: the identity of a socket, for as long as the machine runs
_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291, section 2.5.5.2
_MOST_NAMES = 200_000  # a memory of names, not a leak
_TCP_INFO = struct.Struct("=24xI24xII")  # tcpi_unacked, tcpi_last_data_recv, tcpi_last_ack_recv


def destroy_all() -> int:
    """Take all TCP sockets of the calling thread's namespace away; returns how many connections.

    Each connection ends with a RST, if one can leave the host.  Source: sock_diag(7), SOCK_DESTROY;
    net/ipv4/tcp.c, tcp_abort.

    Raises:
        OSError: without CONFIG_INET_DIAG_DESTROY, or CAP_NET_ADMIN.
    """
    diag = netlink.RequestSocket(netlink.SOCK_DIAG)
    gone = 0
    try:
        for family in (AF_INET, AF_INET6):
            body = _REQUEST.pack(family, IPPROTO_TCP, 0, _ALL_STATES)
            # The name of a socket (struct inet_diag_sockid) is the same in answer and request.
            found = [payload for _, payload in diag.dump(_BY_FAMILY, body)]
            names = [payload[4:52] for payload in found]
            head = struct.pack("=BBBxI", family, IPPROTO_TCP, 0, _ALL_STATES)
            for name in names:
                diag.ask_all(_DESTROY, 0, [head + name], missing=True)
            gone += sum(payload[1] != _LISTEN for payload in found)
    finally:
        diag.close()
    return gone


# Bits of the groups SKNLGRP_INET_TCP_DESTROY and SKNLGRP_INET6_TCP_DESTROY,
# include/uapi/linux/sock_diag.h.
_ENDS = 1 | 4


def socket_ends() -> netlink.Events:
    """Tells of each TCP socket of the calling thread's namespace that is no longer."""
    return netlink.Events(netlink.SOCK_DIAG, _ENDS)


@dataclass(frozen=True)
class SeenSocket:
    """A socket as recorded.

    Attributes:
        record: as in a `sockets` record.
        identity: what must change for it to count as changed (no counters, no clocks).
        inode: by which processes' file descriptors name it.
        kind: `listen` or `tcp`, for counting file descriptors.
        cookie: the kernel's identity of the socket; no other gets it.
    """

    record: SocketFields
    identity: tuple[object, ...]
    inode: int
    kind: str
    cookie: bytes = b""


class SocketNames:
    """Names of addresses and ports, each made once: `address:port`."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}

    def name(self, family: int, address: bytes, port: bytes) -> str:
        """The name of an address of 16 bytes and a port, both as struct inet_diag_sockid has."""
        key = address + port
        if (name := self._names.get(key)) is None:
            if len(self._names) > _MOST_NAMES:
                self._names.clear()
            if address.startswith(_MAPPED):  # an IPv4 connection of an IPv6 socket
                family, address = AF_INET, address[len(_MAPPED) :]
            text = inet_ntop(family, address[:4] if family == AF_INET else address)
            name = self._names[key] = endpoint(text, int.from_bytes(port, "big"))
        return name


class SocketProbe:
    """Reads all TCP sockets of a namespace; made and used in one thread inside it."""

    def __init__(self) -> None:
        self._diag = netlink.RequestSocket(netlink.SOCK_DIAG)
        self._names = SocketNames()

    def read(self, owners: Mapping[int, int]) -> list[SeenSocket]:
        """All TCP sockets, IPv4 and IPv6, ordered by their addresses.

        Args:
            owners: inode -> pid of the process that holds the socket.
        """
        found = []
        for family in (AF_INET, AF_INET6):
            body = _REQUEST.pack(family, IPPROTO_TCP, 1 << (INFO - 1), _ALL_STATES)
            for _, payload in self._diag.dump(_BY_FAMILY, body):
                found.append(self._seen(payload, owners))
        return sorted(found, key=lambda s: (s.record["local"], s.record["peer"]))

    def _seen(self, payload: bytes, owners: Mapping[int, int]) -> SeenSocket:
        (family, number, timer, retrans, sport, dport, source, target, expires, rqueue, wqueue,
         inode) = _MESSAGE.unpack_from(payload)  # fmt: skip
        state, cookie = _STATES.get(number, str(number)), payload[COOKIE]
        local, pid = self._names.name(family, source, sport), owners.get(inode, 0)
        if number == _LISTEN:
            listening = SocketFields(
                local=local,
                peer="",
                state=state,
                pid=pid,
                rqueue=rqueue,  # connections that wait
                wqueue=wqueue,  # and how many may
            )
            identity = (local, "", state, "off", None, pid)
            return SeenSocket(listening, identity, inode, "listen", cookie)
        peer = self._names.name(family, target, dport)
        waits = _TIMERS.get(timer, str(timer))
        record = SocketFields(
            local=local,
            peer=peer,
            state=state,
            timer=waits,
            timer_s=expires / 1000,
            retrans=retrans,
            rqueue=rqueue,
            wqueue=wqueue,
            pid=pid,
        )
        info = netlink.attributes(payload, _MESSAGE.size).get(INFO)
        if info is not None:
            unacked, data, ack = _TCP_INFO.unpack_from(info)
            record["unacked"] = unacked
            record["last_heard_s"] = min(data, ack) / 1000
        return SeenSocket(record, (local, peer, state, waits, retrans, pid), inode, "tcp", cookie)

    def close(self) -> None:
        """Let go of the netlink socket."""
        self._diag.close()
