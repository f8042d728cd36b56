"""One session of a sender: moves messages from the queue to the server, and answers back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Protocol

from relpio.net.sockopts import Keepalive, set_keepalive, set_user_timeout
from relpio.net.transport import CoreProtocol, Ending
from relpio.protocol.client import ClientConnection, ClientSettings
from relpio.protocol.events import Acknowledged, ClientEvent, Refused, SessionOpened
from relpio.protocol.states import ClientState
from relpio.queue.memory import MessageQueue

__all__ = ["Link", "LinkOwner"]


class LinkOwner(Protocol):
    """Whom a link reports to."""

    def link_opened(self, link: Link) -> None:
        """The server accepted the session."""

    def link_acked(self, numbers: Sequence[int]) -> None:
        """The server took these messages; the queue has forgotten them."""

    def link_nacked(self, link: Link, number: int, code: int, text: str) -> None:
        """The server refused a message; it is back in the queue, and the link pauses."""


class Link(CoreProtocol[ClientEvent]):
    """Keeps the window full as long as the queue has messages.

    The window is kept here as in any other moment right after a reconnect: what is replayed comes
    out of the queue through the same `pump`.
    """

    def __init__(
        self,
        owner: LinkOwner,
        queue: MessageQueue,
        settings: ClientSettings,
        keepalive: Keepalive | None,
        user_timeout: float | None,
    ) -> None:
        """Serve `queue` over the connection that asyncio is about to make."""
        self._client = ClientConnection(settings)
        super().__init__(self._client)
        self._owner = owner
        self._queue = queue
        self._keepalive = keepalive
        self._user_timeout = user_timeout
        # Of each message in flight: its number in this session -> its number in the queue.
        self._numbers: dict[int, int] = {}
        self._pause: asyncio.TimerHandle | None = None
        self.opened = False

    @property
    def unacknowledged(self) -> int:
        """Messages of this session without an answer."""
        return self._client.unacknowledged

    @property
    def paused(self) -> bool:
        """After `pause`, for its time."""
        return self._pause is not None

    def on_connected(self, sock: socket.socket) -> None:
        """Set the socket up and open the session."""
        set_keepalive(sock, self._keepalive)
        set_user_timeout(sock, self._user_timeout)
        self._client.open(self._loop.time())

    def on_event(self, event: ClientEvent) -> None:
        """Act on what the core reports."""
        if isinstance(event, Acknowledged):
            first, pop = event.first_txnr, self._numbers.pop
            numbers = [pop(txnr) for txnr in range(first, first + event.count)]
            self._queue.ack(numbers)
            self._owner.link_acked(numbers)
        elif isinstance(event, Refused):
            number = self._numbers.pop(event.txnr)
            self._queue.nack([number])
            self._owner.link_nacked(self, number, event.code, event.text)
        elif isinstance(event, SessionOpened):
            self.opened = True
            self._owner.link_opened(self)

    def process(self) -> None:
        """Answers make room in the window: fill it again."""
        super().process()
        self.pump()

    def on_writable(self) -> None:
        """Go on."""
        self.pump()

    def pump(self) -> None:
        """Send what the queue has, as far as the window and the peer's appetite go."""
        if self.writing_paused or self._pause is not None or self.ending is not None:
            return
        room = self._client.capacity
        if not room:
            return
        numbers, messages = self._queue.lease(room)
        if messages:
            txnrs = self._client.send(messages, self._loop.time())
            self._numbers.update(zip(txnrs, numbers, strict=True))
            self.flush()
            self._set_timer()

    def pause(self, seconds: float, then: Callable[[], None]) -> None:
        """Send no messages for a while; answers are read all the same."""
        if self._pause is None:
            self._pause = self._loop.call_later(seconds, self._resume, then)

    def _resume(self, then: Callable[[], None]) -> None:
        self._pause = None
        then()
        self.pump()

    def close(self) -> None:
        """End the session in order; for a queue that has been emptied."""
        if self.ending is None and self._client.state is not ClientState.IDLE:
            self._client.close(self._loop.time())
            super().process()

    def abandon(self) -> None:
        """Cut the connection; what has no answer stays in the queue."""
        self._end(Ending(None, f"given up, {self.unacknowledged} messages without an answer"))
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        if self._pause is not None:
            self._pause.cancel()
        super().connection_lost(exc)
