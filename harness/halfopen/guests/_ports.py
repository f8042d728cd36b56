"""Local ports of a client with many connections to one place.

The kernel looks for a free local port one by one, even numbers first (Linux,
net/ipv4/inet_hashtables.c, `__inet_hash_connect`).  Once 14,000 connections hold all even ones of
the usual range, each further `connect` passes all of them: a millisecond of a processor each.  Told
a small part of the range that has a free port in it, it finds that at once.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_IP_LOCAL_PORT_RANGE = 51  # linux/in.h, since Linux 6.3; not yet in Python's socket
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_WIDTH = 64
_LAST_PORT = 65535
MANY = 10_000
"""Connections from which on the search is what connecting costs."""


class LocalPorts:
    """Which local port each attempt to connect gets.

    Args:
        first: that of the first attempt, the next has the next; None: the kernel chooses.
        connections: how many there will be.
    """

    def __init__(self, first: int | None, connections: int) -> None:
        self._given = None if first is None else itertools.cycle(range(first, _LAST_PORT + 1))
        self._parts: Iterator[tuple[int, int]] | None = None
        if first is None and connections >= MANY:
            low, high = map(int, _RANGE.read_text(encoding="ascii").split())
            self._parts = parts(low, high)

    async def connect(self, sock: socket.socket, address: Any) -> None:
        """Connect a socket that does not block and is not bound.

        Raises:
            OSError: if it cannot be connected.
        """
        loop = asyncio.get_running_loop()
        if self._given is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("", next(self._given)))
        elif self._parts is not None:
            try:
                _look_in(sock, *next(self._parts))
                await loop.sock_connect(sock, address)
            except OSError as error:
                # An older kernel, or somebody else has that part.
                if error.errno not in (errno.ENOPROTOOPT, errno.EADDRNOTAVAIL):
                    raise
                if error.errno == errno.EADDRNOTAVAIL:
                    _look_in(sock, 0, 0)
            else:
                return
        await loop.sock_connect(sock, address)


def parts(low: int, high: int) -> Iterator[tuple[int, int]]:
    """Parts of the range from `low` to `high`, each one port further than the last, forever."""
    steps = max(1, high - low + 2 - _WIDTH)
    for step in itertools.cycle(range(steps)):
        yield low + step, min(low + step + _WIDTH - 1, high)


def _look_in(sock: socket.socket, low: int, high: int) -> None:
    # Sockets of IPv6 have it as well, at this level; 0 and 0 stand for the whole range.
    value = struct.pack("=I", high << 16 | low)
    sock.setsockopt(socket.IPPROTO_IP, _IP_LOCAL_PORT_RANGE, value)
