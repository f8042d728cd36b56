"""Accepts connections, and survives having no file descriptor for the next one.

When the process has used up its descriptors, `accept` fails while the connection stays in the
kernel's queue and the listener stays readable. Trying again at once burns a processor; sleeping
stalls every session. So the loop stops watching the listener, goes on with its sessions, and looks
again when one of them ends or a second has passed.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Any

from relpio.logs import Log

__all__ = ["Listener"]

RETRY = 1.0
"""Seconds until the next attempt when no session of our own ends meanwhile."""

BACKLOG = 512
"""Connections that the kernel may keep for us; it cuts this to net.core.somaxconn."""

_BATCH = 64  # accepted in one turn of the loop, so that a flood of connections starves nobody

# accept(2): errors of the new connection, not of the listener.
_GONE = (
    errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.ENOPROTOOPT, errno.EHOSTDOWN,
    errno.ENONET, errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENETUNREACH, errno.EINTR,
    errno.EPERM,
)  # fmt: skip


class Listener:
    """Hands each accepted socket and its address to `on_accept`, as long as `may_accept` says so.

    `pauses` counts how often there was no room for another connection.
    """

    def __init__(
        self,
        sock: socket.socket,
        on_accept: Callable[[socket.socket, Any], None],
        may_accept: Callable[[], bool],
        log: Log,
    ) -> None:
        """Start to accept on `sock`, which is bound, not blocking and not yet listening."""
        self._sock = sock
        self._on_accept = on_accept
        self._may_accept = may_accept
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._retry: asyncio.TimerHandle | None = None
        self._paused = False
        self.pauses = 0
        sock.listen(BACKLOG)
        self._watch()

    def poke(self) -> None:
        """A session has ended: there may be room again."""
        if self._paused and self._sock.fileno() >= 0:
            self._stop_retry()
            self._accept()

    def close(self) -> None:
        """Stop for good."""
        self._stop_retry()
        if self._sock.fileno() < 0:
            return
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def _watch(self) -> None:
        self._loop.add_reader(self._sock.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(_BATCH):
            if not self._may_accept():
                self._pause("max-sessions", retry=False)
                return
            try:
                sock, address = self._sock.accept()
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno in _GONE:
                    continue
                # Out of descriptors (EMFILE, ENFILE) or memory; and for any error that nobody
                # foresaw, waiting is right, too, where raising would spin.
                self._pause(error.strerror or str(error), retry=True)
                return
            sock.setblocking(False)
            self._on_accept(sock, address)
        self._resume()

    def _pause(self, reason: str, *, retry: bool) -> None:
        if not self._paused:
            self._paused = True
            self.pauses += 1
            self._loop.remove_reader(self._sock.fileno())
            self._log("accept-paused", reason=reason)
        if retry:
            self._stop_retry()
            self._retry = self._loop.call_later(RETRY, self._accept)

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            self._stop_retry()
            self._watch()
            self._log("accept-resumed")

    def _stop_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
