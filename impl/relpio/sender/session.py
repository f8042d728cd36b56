"""One session of a sender: moves messages from the queue to the server, and answers back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Protocol

from relpio.errors import PeerRefusedError
from relpio.net.sockopts import Keepalive, set_keepalive, set_user_timeout
from relpio.net.transport import CoreProtocol, SessionEnd
from relpio.protocol.client import ClientConnection, ClientSettings
from relpio.protocol.events import (
    Acknowledged,
    ClientEvent,
    LossReason,
    Refused,
    SessionOpened,
)
from relpio.protocol.states import ClientState
from relpio.queue.base import MessageQueue
from relpio.sender.inflight import InFlight
from relpio.sender.pace import Pace

__all__ = ["ClientSession", "ClientSessionOwner"]


_SHARED_WINDOW = 512
"""Window from which on it is sent in two halves: the server takes one while this side makes the
other. Smaller halves would cost more turns of the loop than that saves."""


class ClientSessionOwner(Protocol):
    """Whom a session reports to."""

    def session_opened(self, session: ClientSession) -> None:
        """The server accepted the session."""

    def session_acked(self, numbers: Sequence[int]) -> None:
        """The server took these messages; the queue has forgotten them."""

    def session_refused(
        self, session: ClientSession, number: int, message: bytes, refusal: Refused
    ) -> bool:
        """The server refused a message; true when it was taken over, else it is sent again."""


class ClientSession(CoreProtocol[ClientEvent]):
    """Keeps the window full as long as the queue has messages.

    The window is kept here as in any other moment right after a reconnect: what is replayed comes
    out of the queue through the same `pump`.
    """

    def __init__(
        self,
        owner: ClientSessionOwner,
        queue: MessageQueue,
        settings: ClientSettings,
        keepalive: Keepalive | None,
        user_timeout: float | None,
        *,
        pace: Pace | None = None,
        cautious: bool = False,
        check_peer: Callable[[object], None] | None = None,
    ) -> None:
        """Serve `queue` over the connection that asyncio is about to make.

        Args:
            owner: told of what happens.
            queue: where messages come from.
            settings: window and timers.
            keepalive: TCP keepalive; None is off.
            user_timeout: TCP_USER_TIMEOUT in seconds; None is off.
            pace: pauses between batches; None is none.
            cautious: begin with one message at a time, then two, and so on up to the window.
            check_peer: looks at the peer's certificate; raises PeerRefusedError.
        """
        self._client = ClientConnection(settings)
        super().__init__(self._client)
        self._owner = owner
        self._queue = queue
        self._keepalive = keepalive
        self._user_timeout = user_timeout
        self._pace = pace
        self._batch_size = pace.batch_size if pace is not None else settings.window
        if settings.window >= _SHARED_WINDOW and (pace is None or pace.plain):
            self._batch_size = min(self._batch_size, settings.window // 2)
        self._check_peer = check_peer
        self._limit = 1 if cautious else settings.window  # messages in flight
        self._window = settings.window
        self._in_flight = InFlight()
        self._pause: asyncio.TimerHandle | None = None
        self._wake: asyncio.TimerHandle | None = None
        self.opened = False
        self.last_used = self._loop.time()

    @property
    def unacknowledged(self) -> int:
        """Messages of this session without an answer."""
        return self._client.unacknowledged

    @property
    def cautious(self) -> bool:
        """It sends less at a time than the window allows."""
        return self._limit < self._window

    @property
    def oldest(self) -> tuple[int, bytes] | None:
        """Number in the queue, and text, of the oldest message without an answer."""
        return self._in_flight.oldest()

    def let_go(self, number: int) -> None:
        """Somebody else takes care of a message in flight."""
        self._in_flight.drop(number)

    @property
    def held_back(self) -> bool:
        """After `pause`, for its time."""
        return self._pause is not None

    def on_connected(self, sock: socket.socket) -> None:
        """Set the socket up, look at the certificate, open the session."""
        if sock.family != socket.AF_UNIX:
            set_keepalive(sock, self._keepalive)
            set_user_timeout(sock, self._user_timeout)
        if self._check_peer is not None and self._transport is not None:
            try:
                self._check_peer(self._transport.get_extra_info("ssl_object"))
            except PeerRefusedError as error:
                self._end(SessionEnd(LossReason.TLS_FAILED, str(error)))
                return
        self._client.open(self._loop.time())

    def on_event(self, event: ClientEvent) -> None:
        """Act on what the core reports."""
        if isinstance(event, Acknowledged):
            numbers = self._in_flight.take(event.first_txnr, event.count)
            if self._limit < self._window and not self._in_flight:
                self._limit = min(2 * self._limit, self._window)
            self._queue.ack(numbers)
            self._owner.session_acked(numbers)
        elif isinstance(event, Refused):
            number, message = self._in_flight.find(event.txnr)
            self._in_flight.take(event.txnr, 1)
            if not self._owner.session_refused(self, number, message, event):
                self._queue.nack([number])
        elif isinstance(event, SessionOpened):
            self.opened = True
            self._owner.session_opened(self)

    def process(self) -> None:
        """Answers make room in the window: fill it again."""
        super().process()
        self.pump()

    def on_writable(self) -> None:
        """Go on."""
        self.pump()

    def pump(self) -> None:
        """Send what the queue has, as far as the window and the peer's appetite go."""
        while not self.writing_paused and self._pause is None and self.ending is None:
            room = min(self._client.capacity, self._limit - self._client.unacknowledged)
            if room <= 0 or (self._pace is not None and self._must_wait(self._pace)):
                return
            numbers, messages = self._queue.lease(min(room, self._batch_size))
            if not messages:
                return
            now = self._loop.time()
            txnrs = self._client.send(messages, now)
            self._in_flight.add(txnrs.start, numbers, messages)
            self.last_used = now
            self.flush()
            self._set_timer()
            if self._pace is not None:
                self._pace.leased(now)
            if not self._queue.ready:  # else a batch was cut short: by its size, or by a segment
                return

    def pause(self, seconds: float, then: Callable[[], None]) -> None:
        """Send no messages for a while; answers are read all the same."""
        if self._pause is None:
            self._pause = self._loop.call_later(seconds, self._resume, then)

    def close(self) -> None:
        """Send no more messages, await the answers to those sent, end the session in order."""
        if self.ending is None and self._client.state is not ClientState.IDLE:
            self._client.close(self._loop.time())
            super().process()

    def abandon(self) -> None:
        """Cut the connection; what has no answer stays in the queue."""
        self._end(SessionEnd(None, f"given up, {self.unacknowledged} messages without an answer"))
        self.abort()

    def take_back(self) -> int:
        """Give what has no answer back to the queue, when the session is over; return how many."""
        numbers = self._in_flight.clear()
        if numbers:
            self._queue.nack(numbers)
        return len(numbers)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        for timer in (self._pause, self._wake):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def _must_wait(self, pace: Pace) -> bool:
        ready = self._queue.ready
        if not ready:
            return True
        seconds = pace.delay(ready, self._loop.time())
        if seconds <= 0:
            return False
        if self._wake is not None:
            self._wake.cancel()
        self._wake = self._loop.call_later(seconds, self.pump)
        return True

    def _resume(self, then: Callable[[], None]) -> None:
        self._pause = None
        then()
        self.pump()
