"""Inside the sandbox: the TCP sockets on which a program listens, and how full their queues are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil

from halfopen.labs.netns.inside import inside
from halfopen.probes.sockets import SocketProbe


@dataclass(frozen=True)
class Listener:
    """A listening socket.

    Attributes:
        address: `ADDRESS:PORT`.
        waiting: connections that wait to be accepted.
        backlog: the kernel drops each SYN while more than so many wait (listen(2)).
    """

    address: str
    waiting: int
    backlog: int

    @property
    def full(self) -> bool:
        """True if it takes no further connection (sk_acceptq_is_full, include/net/sock.h)."""
        return self.waiting > self.backlog


def listeners(host: str, pid: int | None) -> list[Listener]:
    """Where the process `pid` and its descendants listen, in the namespace of `host`."""
    if pid is None:
        return []
    inodes = _socket_inodes(pid)

    def read() -> list[Listener]:
        probe = SocketProbe()
        try:
            return [
                Listener(each.record["local"], each.record["rqueue"], each.record["wqueue"])
                for each in probe.read({})
                if each.kind == "listen" and each.inode in inodes
            ]
        finally:
            probe.close()

    return inside(host, read)


def listening_addresses(host: str, pid: int | None) -> list[str]:
    """The addresses of :func:`listeners`, each once."""
    return list(dict.fromkeys(each.address for each in listeners(host, pid)))


def _socket_inodes(pid: int) -> set[int]:
    """The inodes of all sockets that a process, or a descendant, holds (proc(5), /proc/PID/fd)."""
    found: set[int] = set()
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return found
    for process in processes:
        found |= _inodes_of(process.pid)
    return found


def _inodes_of(pid: int) -> set[int]:
    found: set[int] = set()
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return found  # it has just ended
    for each in descriptors:
        try:
            name = str(each.readlink())
        except OSError:
            continue  # closed meanwhile
        if name.startswith("socket:["):
            found.add(int(name[len("socket:[") : -1]))
    return found
