"""Addresses as people write them, and names turned into them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from typing import Any, NamedTuple

from relpio.errors import ConfigurationError

__all__ = [
    "Address",
    "TcpAddress",
    "UnixAddress",
    "format_address",
    "parse_address",
    "parse_target",
    "resolve",
]


class TcpAddress(NamedTuple):
    """A TCP service; the host may be a name."""

    host: str
    port: int

    def __str__(self) -> str:
        """Write it as `parse_target` reads it."""
        return format_address(tuple(self))


class UnixAddress(NamedTuple):
    """A stream socket in the file system."""

    path: str

    def __str__(self) -> str:
        """Write it as `parse_target` reads it."""
        return f"unix:{self.path}"


Address = TcpAddress | UnixAddress

_MAX_UNIX_PATH = 107  # unix(7): sun_path has 108 bytes, the last one NUL


def parse_address(text: str, *, lowest_port: int = 1) -> tuple[str, int]:
    """Read HOST:PORT, with IPv6 addresses in brackets: `[::1]:2514`.

    Raises:
        ConfigurationError: it is not of that form.
    """
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ConfigurationError(f"address {text!r}: write an IPv6 address as [::1]:2514")
    if not colon or not host:
        raise ConfigurationError(f"address {text!r}: expected HOST:PORT, such as 192.0.2.1:2514")
    if not (port.isascii() and port.isdigit()) or not lowest_port <= int(port) <= 65535:
        raise ConfigurationError(f"address {text!r}: the port must be {lowest_port} to 65535")
    return host, int(port)


def parse_target(text: str) -> Address:
    """Read what a sender connects to: HOST:PORT or unix:PATH.

    Raises:
        ConfigurationError: it is neither.
    """
    if not text.startswith("unix:"):
        return TcpAddress(*parse_address(text))
    path = text.removeprefix("unix:")
    if not path or "\0" in path or len(os.fsencode(path)) > _MAX_UNIX_PATH:
        raise ConfigurationError(
            f"address {text!r}: write unix:PATH, with a path of at most {_MAX_UNIX_PATH} bytes"
        )
    return UnixAddress(path)


def format_address(address: Any) -> str:
    """Write a socket address of the `socket` module as HOST:PORT."""
    if not isinstance(address, tuple) or len(address) < 2:
        return str(address)
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def resolve(host: str, port: int) -> list[tuple[str, int]]:
    """Return the numeric addresses of a TCP service, best first.

    A name is looked up in a thread that nobody waits for at exit: the resolver of the C library
    cannot be interrupted, and a dead name server must not delay the end of the program.

    Raises:
        OSError: the name has no address.
    """
    try:
        return _look_up(host, port, socket.AI_NUMERICHOST)
    except OSError:
        pass  # not an address, so it is a name
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[tuple[str, int]]] = loop.create_future()

    def settle(result: list[tuple[str, int]] | OSError) -> None:
        if found.done():
            return
        if isinstance(result, OSError):
            found.set_exception(result)
        else:
            found.set_result(result)

    def look_up() -> None:
        result: list[tuple[str, int]] | OSError
        try:
            result = _look_up(host, port)
        except OSError as error:
            result = error
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody wants to know
            loop.call_soon_threadsafe(settle, result)

    try:
        threading.Thread(target=look_up, name="relpio-resolve", daemon=True).start()
    except RuntimeError as error:  # the system has no thread left; perhaps it has one later
        raise OSError(f"cannot look up {host}: {error}") from None
    return await found


def _look_up(host: str, port: int, flags: int = 0) -> list[tuple[str, int]]:
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except UnicodeError:
        raise OSError(f"{host!r} is not a host name") from None
    # The scope of a link-local address is in the text of the host: fe80::1%eth0.
    return list(dict.fromkeys((str(info[4][0]), int(info[4][1])) for info in infos))
