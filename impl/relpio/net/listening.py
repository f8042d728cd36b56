"""Sockets to listen on: TCP, UDP and Unix; and what a connection's other end is called."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import struct
from pathlib import Path
from typing import Any, NamedTuple

from relpio.errors import ConfigurationError
from relpio.net.addresses import Address, UnixAddress, format_address, resolve

__all__ = [
    "Bound",
    "bound_internet",
    "bound_socket",
    "bound_unix",
    "host_of",
    "peer_of",
    "remove_unix",
]

UDP_BUFFER = 4 * 1024 * 1024
"""Bytes of receive buffer asked for; the kernel grants net.core.rmem_max at most."""

_UCRED = struct.Struct("3i")  # pid, uid, gid: unix(7), SO_PEERCRED


class Bound(NamedTuple):
    """A stream socket that is bound, and the file that it made, if any."""

    sock: socket.socket
    path: Path | None = None
    inode: int = 0

    def close(self) -> None:
        """Close the socket, if it is still open, and remove its file; to be called once."""
        self.sock.close()
        if self.path is not None:
            _remove_file(self.path, self.inode)


async def bound_socket(address: Address) -> Bound:
    """Return a stream socket bound to `address`, not blocking, not yet listening.

    A name stands for the first of its addresses. `::` takes IPv4, too. The file of a Unix socket
    gets the permissions that the umask leaves; see `bound_unix` for one that is there already.

    Raises:
        OSError: the address cannot be used; the text says which and why.
    """
    if isinstance(address, UnixAddress):
        return _bound_at(Path(address.path))
    addresses = await resolve(address.host, address.port)
    if not addresses:
        raise OSError(f"{address.host} has no address")
    first = addresses[0]
    family = socket.AF_INET6 if ":" in first[0] else socket.AF_INET
    try:
        return Bound(_bind_internet(family, socket.SOCK_STREAM, first, both_families=True))
    except OSError as error:
        where = format_address(first)
        raise OSError(error.errno, f"cannot listen on {where}: {_reason(error)}") from None


def _bound_at(path: Path) -> Bound:
    try:
        sock = _bind_unix(path, socket.SOCK_STREAM)
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on {path}: {_reason(error)}") from None
    return Bound(sock, path, path.lstat().st_ino)


def bound_internet(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    """Return a socket of `kind` bound to the first address of `host` that can be used.

    `::` takes IPv6 only.

    Raises:
        OSError: none can; the text names the address.
    """
    failure: OSError | None = None
    try:
        infos = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise OSError(f"cannot listen on {host}: {error}") from None
    for family, _, _, _, address in infos:
        try:
            return _bind_internet(family, kind, address, both_families=False)
        except OSError as error:
            failure = error
    reason = "it has no address" if failure is None else _reason(failure)
    raise OSError(f"cannot listen on {host} port {port}: {reason}")


def bound_unix(path: Path, kind: socket.SocketKind, mode: int) -> socket.socket:
    """Return a Unix socket of `kind` bound to `path`, with permissions `mode`.

    A socket file that a dead process left is replaced; one that a living process listens on, and
    any other file, is not.

    Raises:
        ConfigurationError: the path is taken, or too long for a Unix socket.
        OSError: it cannot be used.
    """
    if len(os.fsencode(path)) > 107:  # sun_path holds 108 with its NUL (unix(7))
        raise ConfigurationError(f"{path}: the path of a Unix socket has at most 107 bytes")
    try:
        return _bind_unix(path, kind, mode)
    except OSError as error:
        if error.errno == errno.EEXIST:
            raise ConfigurationError(
                f"{path} exists and is not a socket; use another path"
            ) from None
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(f"{path} is in use by another process") from None
        raise OSError(f"cannot listen on {path}: {_reason(error)}") from None


def remove_unix(sock: socket.socket, path: Path, inode: int) -> None:
    """Close `sock` and remove its file, unless another process has put its own there.

    Harmless the second time.
    """
    if sock.fileno() >= 0:
        sock.close()
        _remove_file(path, inode)


def _bind_internet(
    family: int, kind: socket.SocketKind, address: Any, *, both_families: bool
) -> socket.socket:
    sock = socket.socket(family, kind)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not both_families))
        if kind is socket.SOCK_STREAM:
            # A process that restarts must not wait for the remains of its old connections.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UDP_BUFFER)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def _bind_unix(path: Path, kind: socket.SocketKind, mode: int | None = None) -> socket.socket:
    """Bind; without `mode` the umask decides.

    Raises:
        FileExistsError: a file that is not a socket is there.
        OSError: EADDRINUSE for a living socket, or anything else.
    """
    _remove_stale(path, kind)
    sock = socket.socket(socket.AF_UNIX, kind)
    # The file must never be there with more permissions than it is to have.
    before = None if mode is None else os.umask(0o777 & ~mode)
    try:
        sock.setblocking(False)
        sock.bind(str(path))
    except OSError:
        sock.close()
        raise
    finally:
        if before is not None:
            os.umask(before)
    return sock


def _remove_stale(path: Path, kind: socket.SocketKind) -> None:
    """Remove the socket file of a process that is no more; leave anything else alone."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, "a file of that name exists and is not a socket")
    with socket.socket(socket.AF_UNIX, kind) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:  # nobody holds it any more (unix(7))
            path.unlink()
            return
        except OSError:
            pass  # of another type, or its backlog is full: alive in any case
    raise OSError(errno.EADDRINUSE, "another process listens on it")


def _remove_file(path: Path, inode: int) -> None:
    with contextlib.suppress(OSError):
        if path.lstat().st_ino == inode:
            path.unlink()


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


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
