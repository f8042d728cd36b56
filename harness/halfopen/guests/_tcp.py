"""What the TCP client and server share: log, socket options, and words for what went wrong.

The log is JSON Lines on standard error, `{"t": unix time, "event": ..., ...}`; checks read the
events `session-open` and `session-lost` (with `reason`).
"""

from __future__ import annotations

import argparse
import errno
import json
import resource
import socket
import sys
import time
from collections.abc import Callable
from typing import Protocol

_REASONS = {
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ECONNREFUSED: "refused",
    errno.ETIMEDOUT: "timed-out",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
}

Keepalive = tuple[int, int, int]
"""Idle and interval in whole seconds, and probes (tcp(7): TCP_KEEPIDLE, _KEEPINTVL, _KEEPCNT)."""


class TakesOptions(Protocol):
    """A socket, or what asyncio lets one see of it."""

    def setsockopt(self, level: int, name: int, value: int, /) -> None:
        """As of a socket."""


def log(event: str, /, **fields: object) -> None:
    """Write one event."""
    line = json.dumps({"t": round(time.time(), 6), "event": event, **fields})
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def reason(error: BaseException | None) -> str:
    """Why a connection ended, in a word: None is for one that the peer closed in order."""
    if error is None:
        return "closed"
    if isinstance(error, TimeoutError) and error.errno is None:
        return "timed-out"
    number = getattr(error, "errno", None) or 0
    return _REASONS.get(number, errno.errorcode.get(number, type(error).__name__))


def socket_options(
    keepalive: Keepalive | None, user_timeout: float | None
) -> list[tuple[int, int, int]]:
    """Level, name and value of what was asked for; None leaves the kernel's default, off."""
    found: list[tuple[int, int, int]] = []
    if keepalive is not None:
        found.append((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1))
        names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        found += [(socket.IPPROTO_TCP, *each) for each in zip(names, keepalive, strict=True)]
    if user_timeout is not None:
        found.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(user_timeout * 1000)))
    return found


def set_options(
    sock: TakesOptions, keepalive: Keepalive | None, user_timeout: float | None
) -> None:
    """Set :func:`socket_options`."""
    for option in socket_options(keepalive, user_timeout):
        sock.setsockopt(*option)


def shown(address: tuple[object, ...]) -> str:
    """A socket's address as `host:port`."""
    host, port = str(address[0]), address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def raise_fd_limit() -> int:
    """Raise the soft limit of file descriptors to the hard one; returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _or_off(parse: Callable[[str], object]) -> Callable[[str], object]:
    def parsed(text: str) -> object:
        return None if text == "off" else parse(text)

    parsed.__name__ = "value"  # argparse names the type when it refuses a text
    return parsed


def _keepalive(text: str) -> Keepalive:
    idle, interval, probes = (int(part) for part in text.split("/"))
    return idle, interval, probes


def _endpoint(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


seconds = _or_off(float)
"""Type of an option: seconds, or `off` (None)."""

endpoint = _endpoint
"""Type of an option: `host:port` or `[host]:port`."""


def add_socket_options(parser: argparse.ArgumentParser) -> None:
    """The options that client and server have in common."""
    parser.add_argument(
        "--keepalive", type=_or_off(_keepalive), metavar="IDLE/INTERVAL/PROBES", help="or off"
    )
    parser.add_argument("--user-timeout", type=seconds, metavar="SECONDS", help="or off")
