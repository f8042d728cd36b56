"""One session of a receiver: messages to the output, answers once the output has them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from relpio.net.sockopts import Keepalive, set_keepalive, set_user_timeout
from relpio.net.transport import CoreProtocol
from relpio.protocol.events import Messages, ServerEvent, SessionOpened
from relpio.protocol.server import ServerConnection, ServerSettings

__all__ = ["Session", "SessionOwner"]

MAX_PENDING = 1024 * 1024
"""Octets of messages that may await the output before the session stops reading."""

MAX_PENDING_IN_ALL = 64 * 1024 * 1024
"""The same for all sessions together. Above it, a session still may have one read's worth."""


class SessionOwner(Protocol):
    """Whom a session reports to."""

    def session_opened(self, session: Session) -> None:
        """The client's `open` was accepted."""

    def take(self, messages: Sequence[bytes], size: int, on_taken: Callable[[], None]) -> None:
        """Write messages of `size` octets; call `on_taken` when that is done, perhaps never."""

    @property
    def pending(self) -> int:
        """Octets of all messages that are not written yet."""


class Session(CoreProtocol[ServerEvent]):
    """Reads as long as the output keeps up and the client takes its answers."""

    def __init__(
        self,
        owner: SessionOwner,
        settings: ServerSettings,
        keepalive: Keepalive | None,
        user_timeout: float | None,
    ) -> None:
        """Serve the connection that asyncio is about to hand over."""
        self._owner = owner
        self._keepalive = keepalive
        self._user_timeout = user_timeout
        self._pending = 0
        self._stopped = False
        self.received = 0
        self._server = ServerConnection(settings, now=asyncio.get_running_loop().time())
        super().__init__(self._server)

    def on_connected(self, sock: socket.socket) -> None:
        """Set the socket up."""
        set_keepalive(sock, self._keepalive)
        set_user_timeout(sock, self._user_timeout)

    def on_event(self, event: ServerEvent) -> None:
        """Act on what the core reports."""
        if isinstance(event, Messages):
            count, size = len(event.messages), sum(map(len, event.messages))
            self.received += count
            self._pending += size
            self._owner.take(event.messages, size, partial(self._taken, count, size))
            self._throttle()
        elif isinstance(event, SessionOpened):
            self._owner.session_opened(self)

    def _taken(self, count: int, size: int) -> None:
        self._pending -= size
        if self.ending is None:
            self._server.acknowledge(count)
            self.process()
            self._throttle()

    def pause_writing(self) -> None:
        """Called by asyncio: a client that reads no answers gets to send no messages."""
        super().pause_writing()
        self._throttle()

    def on_writable(self) -> None:
        """Go on."""
        self._throttle()

    def _throttle(self) -> None:
        # With nothing pending there would be no `_taken` that resumes reading: so then go on.
        crowded = self._pending > 0 and self._owner.pending > MAX_PENDING_IN_ALL
        if self._pending > MAX_PENDING or crowded or self.writing_paused or self._stopped:
            self.pause_reading()
        else:
            self.resume_reading()

    def stop_reading(self) -> None:
        """Take no more messages, for good."""
        self._stopped = True
        self._throttle()

    def close(self) -> None:
        """End the session from this side, with a hint."""
        if self.ending is None:
            self._server.close()
            self.process()
