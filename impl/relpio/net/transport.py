"""Joins a connection core to an asyncio transport: bytes, timers, the end of the connection."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Generic, NamedTuple, Protocol, TypeVar, cast

from relpio.net.addresses import format_address
from relpio.protocol.events import LossReason, SessionClosed, SessionLost

__all__ = ["CoreProtocol", "SessionEnd", "tls_fault"]

LINGER = 2.0
"""Seconds that a closing connection gets to deliver its last bytes before it is cut."""

EventT = TypeVar("EventT")
EventT_co = TypeVar("EventT_co", covariant=True)


class Core(Protocol[EventT_co]):
    """What both connection cores have in common."""

    def receive_data(self, data: bytes, now: float) -> None: ...
    def data_to_send(self) -> bytes: ...
    def next_event(self) -> EventT_co | None: ...
    def next_timeout(self) -> float | None: ...
    def handle_timeout(self, now: float) -> None: ...


class SessionEnd(NamedTuple):
    """How a session ended; no reason means in order."""

    reason: LossReason | None
    detail: str


class CoreProtocol(asyncio.Protocol, Generic[EventT]):
    """An asyncio protocol around a core. Subclasses say what events mean, in `on_event`."""

    def __init__(self, core: Core[EventT]) -> None:
        """Wrap `core`; `finished` is done when the socket is closed."""
        self._core = core
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._cut_timer: asyncio.TimerHandle | None = None
        self._ending: SessionEnd | None = None
        self.writing_paused = False
        self.lingers = False  # see `hang_up`
        self.finished: asyncio.Future[SessionEnd] = self._loop.create_future()
        self.local = ""
        self.peer = ""

    def on_connected(self, sock: socket.socket) -> None:
        """The connection is up."""

    def on_event(self, event: EventT) -> None:
        """The core reports something."""
        raise NotImplementedError

    def on_writable(self) -> None:
        """The peer reads again, after `writing_paused` was true."""

    @property
    def ending(self) -> SessionEnd | None:
        """How the session ended; None while it lasts. The socket may live a little longer."""
        return self._ending

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast(asyncio.Transport, transport)
        self.local = format_address(transport.get_extra_info("sockname"))
        self.peer = format_address(transport.get_extra_info("peername"))
        self.on_connected(transport.get_extra_info("socket"))
        self.process()

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._core.receive_data(data, self._loop.time())
        self.process()

    def eof_received(self) -> bool:
        """Called by asyncio; the answer False closes the transport.

        A peer that has closed its direction only gets the answers that it is owed, for a while:
        it cannot be told from one that is gone. TLS has no such half.
        """
        self._core.receive_data(b"", self._loop.time())
        self.process()
        transport = self._transport
        if self._ending is not None or transport is None or not transport.can_write_eof():
            return False
        if self._cut_timer is None:
            self._cut_timer = self._loop.call_later(LINGER, self.abort)
        return True

    def pause_writing(self) -> None:
        """Called by asyncio when the peer reads too slowly."""
        self.writing_paused = True

    def resume_writing(self) -> None:
        """Called by asyncio when the peer has caught up."""
        self.writing_paused = False
        self.on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio, once, when the socket is closed."""
        for timer in (self._timer, self._cut_timer):
            if timer is not None:
                timer.cancel()
        self._end(_ending_of(exc))
        self._transport = None
        if self._ending is not None and not self.finished.done():
            self.finished.set_result(self._ending)

    def process(self) -> None:
        """Hand out the core's events, send what it wants to send, set its timer."""
        while (event := self._core.next_event()) is not None:
            if isinstance(event, SessionLost):
                self._end(SessionEnd(event.reason, event.detail))
            elif isinstance(event, SessionClosed):
                self._end(SessionEnd(None, "closed in order"))
            self.on_event(event)
        self.flush()
        if self._ending is None:
            self._set_timer()
        else:
            self.hang_up()

    def flush(self) -> None:
        """Send what the core wants to send."""
        data = self._core.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)

    def hang_up(self) -> None:
        """Close the connection: after the last bytes, or soon if the peer does not take them.

        With `lingers`, the peer may still be sending. A socket that is closed with unread bytes
        sends RST, at which the peer may throw away the answers that it has not read (RFC 1122,
        4.2.2.13). So only this direction is closed, and the other is read until the peer closes it.
        """
        if self._transport is None:
            return
        reason = None if self._ending is None else self._ending.reason
        if reason in _DEAD_PEER:
            self._transport.abort()
            return
        if self.lingers and reason not in _GONE_PEER and self._transport.can_write_eof():
            if self._cut_timer is None:
                try:
                    self._transport.write_eof()
                except OSError:  # the peer has reset the connection already
                    self._transport.abort()
                    return
                self.resume_reading()
        else:
            self._transport.close()
        if self._cut_timer is None:
            self._cut_timer = self._loop.call_later(LINGER, self.abort)

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def pause_reading(self) -> None:
        """Let the kernel's buffers hold the peer back."""
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    @property
    def paused(self) -> bool:
        """Reading is paused."""
        return self._transport is not None and not self._transport.is_reading()

    def resume_reading(self) -> None:
        """Undo `pause_reading`."""
        transport = self._transport
        if transport is not None and not transport.is_closing() and not transport.is_reading():
            transport.resume_reading()

    def _end(self, ending: SessionEnd) -> None:
        if self._ending is None:
            self._ending = ending

    def _set_timer(self) -> None:
        due = self._core.next_timeout()
        if due is None:
            return
        # An old timer that fires too early costs less than one cancelled for each message.
        if self._timer is None or due < self._timer.when():
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._ending is None:
            self._core.handle_timeout(self._loop.time())
            self.process()


_DEAD_PEER = (LossReason.ACK_TIMEOUT, LossReason.OPEN_TIMEOUT, LossReason.CLOSE_TIMEOUT)
_GONE_PEER = (LossReason.EOF, LossReason.SERVERCLOSE, LossReason.RESET)


def _ending_of(exc: Exception | None) -> SessionEnd:
    if exc is None:
        return SessionEnd(LossReason.EOF, "the connection was closed")
    if isinstance(exc, ssl.SSLError):
        return SessionEnd(LossReason.TLS_FAILED, tls_fault(exc))
    if isinstance(exc, ConnectionResetError | BrokenPipeError):
        return SessionEnd(LossReason.RESET, str(exc))
    return SessionEnd(LossReason.SOCKET_ERROR, str(exc))


def tls_fault(error: ssl.SSLError) -> str:
    """Say what went wrong in TLS in words for an administrator."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the peer's certificate is not valid: {error.verify_message}"
    reason = (error.reason or str(error)).lower().replace("_", " ")
    # OpenSSL's names of the alerts that a peer sends (RFC 8446, 6.2).
    if "alert" in reason:
        return f"the peer refused: {reason}"
    if reason in _NO_TLS:
        return f"the peer does not speak TLS here ({reason})"
    return f"TLS: {reason}"


_NO_TLS = ("wrong version number", "http request", "packet length too long", "record layer failure")
