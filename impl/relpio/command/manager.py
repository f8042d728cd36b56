"""Service manager that started this process, such as systemd: told what the service does.

The protocol is that of sd_notify(3): datagrams of `NAME=VALUE` lines to the socket
`$NOTIFY_SOCKET`. Without that variable nothing is sent.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Mapping

from relpio.logs import Log, no_log

__all__ = ["ServiceManager"]


class ServiceManager:
    """Told when the service is ready, reads its files again, or stops; and that it still runs."""

    def __init__(self, environment: Mapping[str, str] = os.environ, log: Log = no_log) -> None:
        """Read the variables NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of `environment`."""
        self._log = log
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._interval = _watchdog(environment) if self._address else None
        self._alarm: asyncio.TimerHandle | None = None
        self._failed = False
        self._is_ready = False

    def ready(self) -> None:
        """The service can be used; from now on its watchdog is fed, from the running loop."""
        self._is_ready = True
        self._send("READY=1")
        if self._interval is not None and self._alarm is None:
            self._feed(asyncio.get_running_loop(), self._interval)

    def reloading(self) -> None:
        """Files are read again; `reloaded` follows, whatever becomes of it."""
        if self._is_ready:
            # systemd tells by the time that this is an answer to its own request (notify-reload).
            self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def reloaded(self) -> None:
        """Files were read again; during the start `ready` is still to come."""
        if self._is_ready:
            self.ready()

    def stopping(self) -> None:
        """The end of the service has begun."""
        self._send("STOPPING=1")

    def _feed(self, loop: asyncio.AbstractEventLoop, interval: float) -> None:
        self._send("WATCHDOG=1")
        self._alarm = loop.call_later(interval, self._feed, loop, interval)

    def _send(self, state: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.setblocking(False)  # a manager that does not read must not stop the service
                sock.sendto(state.encode(), self._address)
        except OSError as error:
            if not self._failed:
                self._log("notify-failed", detail=error.strerror or str(error))
            self._failed = True
        else:
            self._failed = False


def _address(text: str) -> str:
    """A path, or with `@` a name in the abstract namespace; other kinds are not supported."""
    if text.startswith("@"):
        return f"\0{text[1:]}"
    return text if text.startswith("/") else ""


def _watchdog(environment: Mapping[str, str]) -> float | None:
    """Seconds between two signs of life: half of what is allowed (sd_watchdog_enabled(3))."""
    allowed, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not (allowed.isascii() and allowed.isdigit() and int(allowed)):
        return None
    if pid and pid != str(os.getpid()):  # it is meant for another process
        return None
    return int(allowed) / 2e6
