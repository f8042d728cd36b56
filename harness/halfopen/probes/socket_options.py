"""Keepalive options of the TCP sockets of a process that runs.

The kernel hands a copy of a descriptor to whoever may trace the process: pidfd_getfd(2), Linux 5.6
(an ordinary user for processes of its own, unless kernel.yama.ptrace_scope forbids it; root).  From
the copy getsockopt(2) reads what counts, and nothing is changed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from halfopen.model.topology import endpoint

_GETFD = 438  # __NR_pidfd_getfd, the same on every architecture
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_MAPPED = "::ffff:"
_INFO = 8  # bytes of struct tcp_info; the first is the state
# include/net/tcp_states.h: those in which the peer is believed to be there
_STATES = {1: "ESTABLISHED", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 8: "CLOSE_WAIT", 10: "LISTEN"}


@dataclass(frozen=True)
class SocketOptions:
    """A TCP socket, and what it asks for.

    Attributes:
        local: `address:port`.
        peer: `address:port`; empty for a listening socket.
        keepalive: SO_KEEPALIVE.
        idle: TCP_KEEPIDLE, seconds; the system's where the program sets none.
        interval: TCP_KEEPINTVL, seconds.
        probes: TCP_KEEPCNT.
        user_timeout_ms: TCP_USER_TIMEOUT, 0 for none.
    """

    local: str
    peer: str
    keepalive: bool
    idle: int
    interval: int
    probes: int
    user_timeout_ms: int


def socket_options(pid: int) -> Iterator[SocketOptions | int]:
    """The sockets of a process that listen or are connected; the inode of one that is not shown.

    Raises:
        OSError: the process is gone, or not ours to look at.
    """
    process = os.pidfd_open(pid)
    try:
        for entry in sorted(Path(f"/proc/{pid}/fd").iterdir(), key=lambda each: int(each.name)):
            with suppress(FileNotFoundError):  # closed in between
                named = os.readlink(entry)  # noqa: PTH115 - no path, `socket:[n]`
                if (match := _SOCKET.fullmatch(named)) is not None:
                    yield from _options(process, int(entry.name), int(match[1]))
    finally:
        os.close(process)


def _options(process: int, descriptor: int, inode: int) -> Iterator[SocketOptions | int]:
    try:
        copy = copied(process, descriptor)
    except OSError as error:
        if error.errno not in (errno.EBADF, errno.ESRCH):  # closed in between, or all is gone
            yield inode
        return
    with closing(socket.socket(fileno=copy)) as found:
        if found.family in (socket.AF_INET, socket.AF_INET6) and found.type == socket.SOCK_STREAM:
            # Not TCP (MPTCP, SCTP), or unconnected in between.
            with suppress(OSError):
                if (options := _read(found)) is not None:
                    yield options


def copied(process: int, descriptor: int) -> int:
    """A copy of a descriptor of a process (a descriptor of pidfd_open(2)).

    Raises:
        OSError: it is closed, or not ours to copy.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    found = libc.syscall(_GETFD, process, descriptor, 0)
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(found)


def _read(found: socket.socket) -> SocketOptions | None:
    def number(option: int) -> int:
        return found.getsockopt(socket.IPPROTO_TCP, option)

    info = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO)
    state = _STATES.get(struct.unpack_from("B", info)[0])
    if state is None:
        return None
    return SocketOptions(
        _name(found.getsockname()),
        "" if state == "LISTEN" else _name(found.getpeername()),
        bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)),
        number(socket.TCP_KEEPIDLE),
        number(socket.TCP_KEEPINTVL),
        number(socket.TCP_KEEPCNT),
        number(socket.TCP_USER_TIMEOUT),
    )


def _name(address: tuple[str, int]) -> str:
    return endpoint(address[0].removeprefix(_MAPPED), address[1])
