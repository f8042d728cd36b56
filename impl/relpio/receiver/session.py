"""One session of a receiver: messages to the output, answers once the output has them."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from relpio.net.sockopts import set_keepalive, set_user_timeout
from relpio.net.transport import CoreProtocol, SessionEnd
from relpio.protocol.events import (
    LossReason,
    Messages,
    Oversized,
    ServerEvent,
    SessionLost,
    SessionOpened,
)
from relpio.protocol.server import ServerConnection
from relpio.receiver.sessionsettings import SessionSettings

__all__ = ["Session", "SessionOwner"]

MAX_PENDING = 4 * 1024 * 1024
"""Bytes of messages that may await the output before the session stops reading."""

MAX_PENDING_IN_ALL = 64 * 1024 * 1024
"""The same for all sessions together. Above it, a session still may have one read's worth."""

MESSAGE_OVERHEAD = 64
"""Bytes that a message costs beyond its own: without it, empty messages would cost nothing."""


@dataclass(slots=True, eq=False)
class _Batch:
    """Messages that were given to the output: how many await an answer, and what they cost."""

    count: int
    size: int
    taken: bool = False


class SessionOwner(Protocol):
    """Whom a session reports to."""

    def check_peer(self, ssl_object: object) -> str | None:
        """Say why a peer that speaks TLS is refused; None: it is not."""

    def session_opened(self, session: Session) -> None:
        """The client's `open` was accepted."""

    def session_ended(self, session: Session, ending: SessionEnd) -> None:
        """Nothing more is taken or answered; the socket may live a little longer."""

    def take(
        self, session: Session, messages: Sequence[bytes], size: int, on_taken: Callable[[], None]
    ) -> None:
        """Write messages that cost `size` bytes; call `on_taken` when that is done, or never."""

    def oversized(self, session: Session, event: Oversized) -> None:
        """A message is longer than it should be."""

    def delay(self, session: Session, count: int) -> float:
        """Return for how many seconds to read nothing, now that `count` messages have come."""

    def holds(self, more: int) -> None:
        """A session holds so many bytes more of an incomplete frame than before; or fewer."""

    @property
    def pending(self) -> int:
        """Bytes of all messages that are not written yet."""


class Session(CoreProtocol[ServerEvent]):
    """Reads as long as the output keeps up and the client takes its answers."""

    def __init__(
        self, owner: SessionOwner, settings: SessionSettings, *, peer: str, host: str
    ) -> None:
        """Serve the connection that asyncio is about to hand over.

        Args:
            owner: whom to report to.
            settings: what all sessions have in common.
            peer: the other end, for the log.
            host: its host.
        """
        self._owner = owner
        self._settings = settings
        self._pending = 0
        self._batches: deque[_Batch] = deque()  # in order; answered from the front
        self._held = 0
        self._stopped = False
        self._processing = False
        self._turn: asyncio.Handle | None = None
        self._slow: asyncio.TimerHandle | None = None
        self.slowed = 0  # how often it was too fast
        self.received = 0
        self.oversized = 0
        self.refused: str | None = None
        self._server = ServerConnection(settings.server, now=asyncio.get_running_loop().time())
        super().__init__(self._server)
        self.host = host
        self.name = peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio, with TLS after the handshake."""
        ssl_object = transport.get_extra_info("ssl_object")
        if ssl_object is not None:
            self.refused = self._owner.check_peer(ssl_object)
        super().connection_made(transport)
        self.peer = self.name
        if self.refused is not None:
            self._end(SessionEnd(LossReason.PROTOCOL_ERROR, self.refused))
            self.abort()

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        if self.refused is not None:
            return
        super().data_received(data)
        self._count_held()
        self._throttle()

    def _next_turn(self) -> None:
        """Take what the last turn left; other sessions have had theirs meanwhile."""
        self._turn = None
        self._server.take_more(self._loop.time())
        self.process()
        self._count_held()
        self._throttle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio, once, when the socket is closed."""
        super().connection_lost(exc)
        if self._turn is not None:
            self._turn.cancel()
        if self._slow is not None:
            self._slow.cancel()
        more, self._held = -self._held, 0
        if more:
            self._owner.holds(more)

    def on_connected(self, sock: socket.socket) -> None:
        """Set the socket up."""
        if sock.family != socket.AF_UNIX:
            set_keepalive(sock, self._settings.keepalive)
            set_user_timeout(sock, self._settings.user_timeout)

    def _end(self, ending: SessionEnd) -> None:
        if self.ending is None:
            super()._end(ending)
            self._owner.session_ended(self, ending)

    def on_event(self, event: ServerEvent) -> None:
        """Act on what the core reports."""
        if isinstance(event, Messages):
            self._take(event.messages)
        elif isinstance(event, SessionLost):
            self.lingers = True
        elif isinstance(event, SessionOpened):
            self._owner.session_opened(self)
            self._slow_down(0)  # another session of the host may have been too fast
        elif isinstance(event, Oversized):
            self.oversized += 1
            self._owner.oversized(self, event)

    def process(self) -> None:
        """Hand out the core's events and send what it wants to send."""
        if self._processing:  # called back from within, by an output that was done at once
            return
        self._processing = True
        try:
            super().process()
        finally:
            self._processing = False

    @property
    def holding(self) -> bool:
        """It holds a part of a frame."""
        return self._held > 0

    @property
    def frame_since(self) -> float:
        """When the frame began that is not complete; never, when there is none."""
        since = self._server.clocks.frame_since
        return float("inf") if since is None else since

    def _take(self, messages: Sequence[bytes]) -> None:
        count = len(messages)
        size = sum(map(len, messages)) + MESSAGE_OVERHEAD * count
        self.received += count
        self._pending += size
        if self._settings.ack_at_once:
            self._server.acknowledge(count)
            count = 0
        batch = _Batch(count, size)
        self._batches.append(batch)
        self._owner.take(self, messages, size, partial(self._taken, batch))
        self._slow_down(len(messages))
        self._throttle()

    def _slow_down(self, count: int) -> None:
        delay = self._owner.delay(self, count)
        if delay and self._slow is None:
            self.slowed += 1
            self._slow = self._loop.call_later(delay, self._go_on)

    def _go_on(self) -> None:
        self._slow = None
        self._slow_down(0)  # another session may have added to the debt meanwhile
        self._throttle()

    def _taken(self, batch: _Batch) -> None:
        self._pending -= batch.size
        batch.taken = True
        count = 0
        # The answers have an order, and outputs, where there are several, have none among them.
        while self._batches and self._batches[0].taken:
            count += self._batches.popleft().count
        if self.ending is None:
            if count:
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
        if self.ending is not None:  # what comes now is read and thrown away
            return
        # With nothing pending there would be no `_taken` that resumes reading: so then go on.
        crowded = self._pending > 0 and self._owner.pending > MAX_PENDING_IN_ALL
        waits = self._pending > MAX_PENDING or crowded or self.writing_paused or self._stopped
        waits = waits or self._slow is not None
        if waits or self._server.more:
            if not self.paused:
                self.pause_reading()
                self._server.clocks.pause()
            if not waits and self._turn is None:
                self._turn = self._loop.call_soon(self._next_turn)
        elif self.paused:
            self.resume_reading()
            self._server.clocks.resume(self._loop.time())
            self.process()  # the timers run again

    def stop_reading(self) -> None:
        """Take no more messages, for good."""
        self._stopped = True
        self._throttle()

    def give_up(self, reason: LossReason, detail: str) -> None:
        """End the session from this side, because it costs too much."""
        self._server.abandon(reason, detail)
        self.process()
        self._count_held()

    def _count_held(self) -> None:
        held = 0 if self.ending is not None else self._server.buffered
        if held != self._held:
            more, self._held = held - self._held, held
            self._owner.holds(more)

    def close(self) -> None:
        """End the session from this side: answer what is written, hint, hang up."""
        if self.ending is None:
            self.lingers = True
            self._server.close()
            self.process()

    def cut(self) -> None:
        """End the session from this side at once, with a hint."""
        if self.ending is None:
            self._server.cut()
            self.process()
        self.abort()
