"""The TCP options that decide how a dead peer is noticed.

Keepalive finds a peer that died while the connection was idle. While data is in flight the kernel
sends no probes; then only TCP_USER_TIMEOUT, or the ack timer of the protocol, notices.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from relpio.errors import ConfigurationError

__all__ = ["MAX_KEEPALIVE_PROBES", "MAX_KEEPALIVE_SECONDS", "Keepalive", "check_user_timeout"]
__all__ += ["set_keepalive", "set_user_timeout"]

MAX_KEEPALIVE_SECONDS = 32767
"""Largest TCP_KEEPIDLE and TCP_KEEPINTVL (Linux, include/net/tcp.h: MAX_TCP_KEEPIDLE)."""

MAX_KEEPALIVE_PROBES = 127
"""Largest TCP_KEEPCNT (Linux, include/net/tcp.h: MAX_TCP_KEEPCNT)."""

_MAX_USER_TIMEOUT_MS = 2**31 - 1


@dataclass(frozen=True)
class Keepalive:
    """Timers of TCP keepalive; None leaves one to the operating system.

    Attributes:
        idle: whole seconds of silence before the first probe, 1 to 32767.
        interval: whole seconds between probes, 1 to 32767.
        probes: unanswered probes after which the connection is dead, 1 to 127.
    """

    idle: int | None = 60
    interval: int | None = 10
    probes: int | None = 6

    def __post_init__(self) -> None:
        """Refuse what the kernel would refuse, while there is a person to read the reason."""
        _check("idle", self.idle, MAX_KEEPALIVE_SECONDS, " seconds")
        _check("interval", self.interval, MAX_KEEPALIVE_SECONDS, " seconds")
        _check("probes", self.probes, MAX_KEEPALIVE_PROBES, "")


def _check(name: str, value: int | None, most: int, unit: str) -> None:
    if value is not None and not 1 <= value <= most:
        raise ConfigurationError(f"keepalive {name} {value}: the kernel takes 1 to {most}{unit}")


def check_user_timeout(seconds: float | None) -> None:
    """Check a value for `set_user_timeout`.

    Raises:
        ConfigurationError: below a millisecond, or more than the kernel can hold.
    """
    if seconds is not None and not 1 <= round(seconds * 1000) <= _MAX_USER_TIMEOUT_MS:
        raise ConfigurationError(f"user timeout {seconds:g} s: must be 1 ms to 2147483 s, or off")


def set_keepalive(sock: socket.socket, keepalive: Keepalive | None) -> None:
    """Switch keepalive on with its timers; None leaves the socket alone, which is off."""
    if keepalive is None:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_KEEPIDLE, keepalive.idle),
        (socket.TCP_KEEPINTVL, keepalive.interval),
        (socket.TCP_KEEPCNT, keepalive.probes),
    ):
        if value is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def set_user_timeout(sock: socket.socket, seconds: float | None) -> None:
    """Limit how long sent data may stay unacknowledged by the peer's kernel; None is no limit.

    Resolution is 1 ms. With keepalive, it also replaces the count of probes (Linux, tcp(7)).
    """
    if seconds is None:
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))
