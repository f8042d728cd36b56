"""Sockets to listen on, TCP and Unix, and what a connection's other end is called."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import struct
from typing import Any

from relpio.net.addresses import Address, UnixAddress, format_address, resolve

__all__ = ["bound_socket", "host_of", "peer_of", "remove_socket_file"]

_UCRED = struct.Struct("3i")  # pid, uid, gid: unix(7), SO_PEERCRED


async def bound_socket(address: Address) -> socket.socket:
    """Return a stream socket bound to `address`, not blocking, not yet listening.

    A name stands for the first of its addresses. `::` takes IPv4, too.

    Raises:
        OSError: the address cannot be used; the text says which and why.
    """
    if isinstance(address, UnixAddress):
        return _bound_unix(address.path)
    addresses = await resolve(address.host, address.port)
    if not addresses:
        raise OSError(f"{address.host} has no address")
    return _bound_tcp(addresses[0])


def _bound_tcp(address: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        # A receiver that restarts must not wait for the remains of its old connections.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(address)
    except OSError as error:
        sock.close()
        where = format_address(address)
        raise OSError(error.errno, f"cannot listen on {where}: {error.strerror}") from None
    return sock


def _bound_unix(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        _remove_stale(path)
        sock.bind(path)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot listen on {path}: {error.strerror}") from None
    return sock


def _remove_stale(path: str) -> None:
    """Remove the socket file of a process that is no more; leave anything else alone."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):  # noqa: PTH116 - sockets have no other API
            raise OSError(errno.EEXIST, "there is a file of that name, and it is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)  # noqa: PTH108
            return
        except BlockingIOError:  # its queue of connections is full: it lives
            pass
    raise OSError(errno.EADDRINUSE, "another process listens on it")


def remove_socket_file(path: str) -> None:
    """Remove the file of a Unix socket that nobody listens on any more."""
    with contextlib.suppress(OSError):
        _remove_stale(path)


def peer_of(sock: socket.socket, address: Any) -> str:
    """Name the other end of an accepted connection: HOST:PORT, or `unix:` and its process."""
    if sock.family == socket.AF_UNIX:
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        pid, uid, _ = _UCRED.unpack(credentials)
        return f"unix:pid={pid},uid={uid}"
    return format_address((_plain(address[0]), address[1]))


def host_of(sock: socket.socket, address: Any) -> str:
    """Name the host at the other end: its address without port, or `unix`."""
    return "unix" if sock.family == socket.AF_UNIX else _plain(address[0])


def _plain(host: str) -> str:
    # On a socket of both families IPv4 looks like ::ffff:192.0.2.1 (RFC 4291, 2.5.5.2).
    return host[7:] if host.startswith("::ffff:") and "." in host else host
