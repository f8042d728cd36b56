"""Ends of TCP sockets in the calling thread's network namespace, as the kernel reports them.

Whoever samples misses a connection that is opened and closed between two samples; the kernel
reports the end of every socket.  Source: net/core/sock_diag.c, sock_diag_broadcast_destroy;
include/uapi/linux/sock_diag.h (groups), inet_diag.h (message), tcp.h (struct tcp_info).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from socket import AF_INET, AF_INET6

from halfopen.probes import netlink
from halfopen.probes.sockets import COOKIE, INFO, MESSAGE_SIZE, SocketNames

_GROUP_TCP, _GROUP_TCP6 = 1 << 0, 1 << 2  # SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY
_PORTS = struct.Struct("=B3x2s2s16s16s")  # struct inet_diag_msg: family; ports; addresses
_OPTIONS = 5  # tcpi_options: what the handshake agreed on (timestamps, SACK, window scale)
_BYTES = struct.Struct("=120xQQ")  # tcpi_bytes_acked, SYN and FIN count; tcpi_bytes_received


@dataclass(frozen=True)
class EndedSocket:
    """A socket that has ended.

    Attributes:
        cookie: the kernel's identity of it, as in a sample.
        local: `address:port`.
        peer: `address:port`, empty if the kernel does not know it any more.
        connected: whether the handshake was completed; None if the kernel does not know that any
            more: it forgets both when a program aborts a connection (SO_LINGER of 0), and when
            connect(2) fails (net/ipv4/tcp.c, tcp_disconnect).
    """

    cookie: bytes
    local: str
    peer: str
    connected: bool | None


class EndedSockets:
    """Listens for the ends of sockets; made and used in one thread inside its namespace.

    Raises:
        OSError: if the kernel does not report them.
    """

    def __init__(self) -> None:
        self._events = netlink.Events(netlink.SOCK_DIAG, _GROUP_TCP | _GROUP_TCP6)
        self._names = SocketNames()

    def read(self) -> Iterator[EndedSocket]:
        """Those that ended since the last call, except those that never had a port."""
        for _, payload in self._events.read():
            family, sport, dport, source, target = _PORTS.unpack_from(payload)
            if family not in (AF_INET, AF_INET6) or sport == b"\0\0":
                continue
            local, peer, connected = self._names.name(family, source, sport), "", None
            if dport != b"\0\0":
                peer = self._names.name(family, target, dport)
                info = netlink.attributes(payload, MESSAGE_SIZE).get(INFO, b"")
                connected = _connected(info)
            yield EndedSocket(payload[COOKIE], local, peer, connected)

    def take_lost(self) -> bool:
        """Whether the kernel had more to tell since the last call than it could keep."""
        lost, self._events.lost = self._events.lost, False
        return lost

    def close(self) -> None:
        """Let go of the netlink socket."""
        self._events.close()


def _connected(info: bytes) -> bool | None:
    if len(info) < _BYTES.size:  # Linux before 4.1
        return None
    return bool(info[_OPTIONS]) or any(_BYTES.unpack_from(info))
