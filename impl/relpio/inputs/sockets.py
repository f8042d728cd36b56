"""Sockets to listen on: TCP, UDP and Unix, bound when the program starts."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from pathlib import Path

from relpio.errors import ConfigurationError

__all__ = ["bound_internet", "bound_unix", "remove_unix"]

UDP_BUFFER = 4 * 1024 * 1024
"""Octets of receive buffer asked for; the kernel grants net.core.rmem_max at most."""


def bound_internet(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    """Return a socket of `kind` bound to the first address of `host` that can be used.

    Raises:
        OSError: none can; the text names the address.
    """
    failure: OSError | None = None
    try:
        infos = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise OSError(f"cannot listen on {host}: {error}") from None
    for family, _, _, _, address in infos:
        sock = socket.socket(family, kind)
        try:
            sock.setblocking(False)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if kind is socket.SOCK_STREAM:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            else:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UDP_BUFFER)
            sock.bind(address)
        except OSError as error:
            sock.close()
            failure = error
            continue
        return sock
    reason = "it has no address" if failure is None else failure.strerror
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
        raise ConfigurationError(f"{path}: the path of a Unix socket has at most 107 octets")
    _remove_stale(path, kind)
    sock = socket.socket(socket.AF_UNIX, kind)
    # The file must never be there with more permissions than it is to have.
    before = os.umask(0o777 & ~mode)
    try:
        sock.setblocking(False)
        sock.bind(str(path))
    except OSError as error:
        sock.close()
        raise OSError(f"cannot listen on {path}: {error.strerror}") from None
    finally:
        os.umask(before)
    return sock


def remove_unix(sock: socket.socket, path: Path, inode: int) -> None:
    """Close `sock` and remove its file, unless another process has put its own there.

    Harmless the second time.
    """
    if sock.fileno() < 0:
        return
    sock.close()
    with contextlib.suppress(OSError):
        if path.lstat().st_ino == inode:
            path.unlink()


def _remove_stale(path: Path, kind: socket.SocketKind) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigurationError(f"{path} exists and is no socket; name another path")
    with socket.socket(socket.AF_UNIX, kind) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:  # nobody holds it any more (unix(7))
            path.unlink()
            return
        except OSError:
            pass  # of another type, or its backlog is full: alive in any case
    raise ConfigurationError(f"{path} is in use by another process")
