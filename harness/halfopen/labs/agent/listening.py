"""The TCP sockets on which a program listens, and how full their queues are."""

from __future__ import annotations

from dataclasses import dataclass

from halfopen.probes.fds import socket_inodes
from halfopen.probes.namespaces import run_in
from halfopen.probes.sockets import SocketProbe


@dataclass(frozen=True)
class ListeningSocket:
    """A listening socket.

    Attributes:
        address: `ADDRESS:PORT`.
        waiting: connections that wait to be accepted.
        backlog: the kernel drops each SYN while more than this many wait (listen(2)).
    """

    address: str
    waiting: int
    backlog: int

    @property
    def full(self) -> bool:
        """True if it takes no further connection (sk_acceptq_is_full, include/net/sock.h)."""
        return self.waiting > self.backlog


def listeners(host: str, pid: int | None) -> list[ListeningSocket]:
    """Where the process `pid` and its descendants listen, in the namespace of `host`."""
    if pid is None:
        return []
    inodes = socket_inodes(pid)

    def read() -> list[ListeningSocket]:
        probe = SocketProbe()
        try:
            return [
                ListeningSocket(each.record["local"], each.record["rqueue"], each.record["wqueue"])
                for each in probe.read({})
                if each.kind == "listen" and each.inode in inodes
            ]
        finally:
            probe.close()

    return run_in(host, read)


def listening_addresses(host: str, pid: int | None) -> list[str]:
    """The addresses of :func:`listeners`, each once."""
    return list(dict.fromkeys(each.address for each in listeners(host, pid)))
