"""The receiver: listeners, their sessions, and one output for all."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from relpio.errors import PeerRefusedError
from relpio.logs import Log, no_log
from relpio.metrics.registry import Registry
from relpio.net.listening import Bound, host_of, peer_of
from relpio.net.transport import SessionEnd, tls_fault
from relpio.protocol.events import LossReason, Oversized
from relpio.receiver.admission import Admission
from relpio.receiver.binding import bind_all
from relpio.receiver.interfaces import Output, RecordOutput
from relpio.receiver.listener import Listener
from relpio.receiver.metrics import ReceiverMetrics
from relpio.receiver.received import Received
from relpio.receiver.session import MESSAGE_OVERHEAD, Session
from relpio.receiver.sessionsettings import SessionSettings
from relpio.receiver.settings import ReceiverSettings

__all__ = ["Output", "Receiver", "ReceiverSettings"]

_TLS_GOODBYE = 2.0
"""Seconds that a client gets to answer the end of TLS."""


class Receiver:
    """Takes messages from any number of clients and acknowledges what the output has taken.

    receiver = Receiver(settings, output)
    await receiver.start()          # receiver.address is known now
    ...
    await receiver.close(timeout=5)

    Attributes:
        address: host and port of the first TCP address, once started; port 0 if there is none.
    """

    def __init__(
        self,
        settings: ReceiverSettings,
        output: Output | RecordOutput,
        *,
        log: Log = no_log,
        registry: Registry | None = None,
    ) -> None:
        """Prepare; `start` does the rest. Metrics are registered in `registry`."""
        self.settings = settings
        self.address: tuple[str, int] = ("", 0)
        self.received = 0
        self.acknowledged = 0
        self.received_bytes = 0  # of messages received
        self.pending = 0  # bytes of messages that are not written yet
        self.partial = 0  # bytes of frames that are not complete
        self._partial_limit = settings.partial_limit
        self._output = output
        self._submit = (
            output.submit_received
            if isinstance(output, RecordOutput)
            else partial(self._submit_bytes, output)
        )
        self._log = log
        self._listeners: list[Listener] = []
        self._bound: list[Bound] = []
        self._tls: ssl.SSLContext | None = None
        self._sessions: dict[int, Session] = {}
        self._admission = Admission()
        self._set_rules()
        self._connecting: set[asyncio.Task[None]] = set()
        self._accepted_count = 0
        self._all_ended = asyncio.Event()
        self._session_settings = SessionSettings.of(settings)
        self._metrics = ReceiverMetrics(registry or Registry(), self)

    @property
    def sessions(self) -> int:
        """Connections that are open now."""
        return len(self._sessions)

    @property
    def accept_pauses(self) -> int:
        """How often a listener had no room for another connection."""
        return sum(listener.pauses for listener in self._listeners)

    @property
    def output_failing(self) -> bool:
        """The output cannot be written to."""
        return bool(getattr(self._output, "failing", False))

    @property
    def output_errors(self) -> int:
        """Attempts to write that failed."""
        return int(getattr(self._output, "errors", 0))

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: an address cannot be used; the text says which and why.
            ConfigurationError: the files of TLS are of no use.
        """
        settings = self.settings
        if settings.tls is not None:
            self._tls = settings.tls.server_context()
        found = await bind_all(settings.listen, settings.listen_plain, tls=settings.tls is not None)
        for each in found:
            self._bound.append(each.bound)
            accepted = partial(self._accepted, each.protected)
            self._listeners.append(Listener(each.bound.sock, accepted, self._may_accept, self._log))
            host, port = each.where
            self._log("listening", address=host, port=port)
            if port is not None and not self.address[0]:
                self.address = (host, port)

    def reload(self, settings: ReceiverSettings | None = None) -> None:
        """Take new settings and read the files of TLS again, for connections from now on.

        Args:
            settings: new ones, with the same addresses, TLS or none as before, and the same format.
                None keeps all.

        Raises:
            ConfigurationError: a file is of no use; then everything stays as it was.
        """
        new = self.settings if settings is None else settings
        if new.tls is not None:
            self._tls = new.tls.server_context()
        self.settings = new
        self._set_rules()
        self._partial_limit = new.partial_limit
        self._session_settings = SessionSettings.of(new)
        for listener in self._listeners:
            listener.poke()

    async def close(self, timeout: float = 5.0) -> None:
        """Stop: accept nothing more, write and answer what was received, hint, hang up.

        Takes `timeout` seconds at most, and a moment to cut what is left then: sessions whose
        messages the output has not taken by then, and clients that do not hang up.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        for listener in self._listeners:
            listener.close()
        self._unbind()
        for task in self._connecting:
            task.cancel()
        for session in self._sessions.values():
            session.stop_reading()
        try:
            async with asyncio.timeout(timeout / 2):
                await self._output.flushed()
        except TimeoutError:
            self._log("output-stuck", detail="clients will send unanswered messages again")
        for session in list(self._sessions.values()):
            session.close()
        left = max(0.0, deadline - asyncio.get_running_loop().time())
        await self._no_sessions(left)
        for session in list(self._sessions.values()):
            session.cut()
        await self._no_sessions(None)

    # SessionOwner

    def check_peer(self, ssl_object: object) -> str | None:
        """Called by a session."""
        assert self.settings.tls is not None
        try:
            self.settings.tls.check_peer(ssl_object)
        except PeerRefusedError as error:
            return str(error)
        return None

    def session_opened(self, session: Session) -> None:
        """Called by a session."""
        self._metrics.opened.add()
        self._log("session-open", peer=session.peer)

    def session_ended(self, session: Session, ending: SessionEnd) -> None:
        """Called by a session."""
        if session.refused is not None:
            return
        fields = {"peer": session.peer, "detail": ending.detail, "received": session.received}
        if ending.reason is None:
            self._metrics.closed.add()
            self._log("session-closed", reason="closed", **fields)
        else:
            self._metrics.lost(ending.reason.value)
            self._log("session-lost", reason=ending.reason.value, **fields)

    def take(
        self, session: Session, messages: Sequence[bytes], size: int, on_taken: Callable[[], None]
    ) -> None:
        """Called by a session."""
        count = len(messages)
        self.received += count
        self.pending += size
        self.received_bytes += size - MESSAGE_OVERHEAD * count
        at_once = self.settings.ack_at_once
        if at_once:
            self.acknowledged += count

        def written() -> None:
            self.pending -= size
            if not at_once:
                self.acknowledged += count
            on_taken()

        self._submit(Received(session.host, time.time(), messages), written)

    def _submit_bytes(
        self, output: Output, received: Received, on_written: Callable[[], None]
    ) -> None:
        output.submit(self.settings.format(received.messages), on_written)

    def oversized(self, session: Session, event: Oversized) -> None:
        """Called by a session."""
        self._metrics.oversized.add()
        if session.oversized == 1:  # once for each session: a client must not fill the log
            self._log("oversized", peer=session.peer, bytes=event.size, kept=event.kept)

    def delay(self, session: Session, count: int) -> float:
        """Called by a session."""
        delay = self._admission.delay(session.host, count)
        if delay:
            self._metrics.slowed.add()
            if not session.slowed:  # once for each session, as above
                self._log("rate-limited", peer=session.peer)
        return delay

    def holds(self, more: int) -> None:
        """Called by a session."""
        self.partial += more
        if self.partial > self._partial_limit:
            self._drop_slowest()

    def _drop_slowest(self) -> None:
        # Some at a time, since finding them means to look at all.
        enough = self._partial_limit * 9 // 10
        for session in sorted(self._sessions.values(), key=lambda each: each.frame_since):
            if self.partial <= enough or not session.holding:
                return
            session.give_up(LossReason.MEMORY, "incomplete frames exceed their memory limit")

    def _set_rules(self) -> None:
        self._admission.permitted = self.settings.permitted_networks
        self._admission.most_sessions = self.settings.max_sessions_per_peer
        self._admission.rate = self.settings.max_rate_per_peer

    def _may_accept(self) -> bool:
        return len(self._sessions) < self.settings.max_sessions

    def _accepted(self, protected: bool, sock: socket.socket, address: Any) -> None:
        try:
            peer, host = peer_of(sock, address), host_of(sock, address)
        except OSError as error:  # it was gone before we could look at it
            sock.close()
            self._refuse("", "unreachable", str(error))
            return
        if (refusal := self._admission.refusal(host)) is not None:
            sock.close()
            self._refuse(peer, *refusal)
            return
        self._accepted_count += 1
        number = self._accepted_count
        session = Session(self, self._session_settings, peer=peer, host=host)
        self._sessions[number] = session
        self._admission.entered(host)
        session.finished.add_done_callback(partial(self._finished, number, session))
        task = asyncio.create_task(self._connect(self._tls if protected else None, sock, session))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(
        self, tls: ssl.SSLContext | None, sock: socket.socket, session: Session
    ) -> None:
        times: dict[str, float] = {}
        if tls is not None:
            times["ssl_handshake_timeout"] = self.settings.handshake_timeout
            times["ssl_shutdown_timeout"] = _TLS_GOODBYE
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: session, sock, ssl=tls, **times)
        except (OSError, asyncio.CancelledError) as error:
            sock.close()
            fault = tls_fault(error) if isinstance(error, ssl.SSLError) else str(error)
            session.refused = fault or "it was given up"
            reason = "unreachable" if tls is None else "tls-handshake"
            self._refuse(session.name, reason, session.refused)
            if not session.finished.done():
                session.finished.set_result(SessionEnd(LossReason.SOCKET_ERROR, session.refused))
            if isinstance(error, asyncio.CancelledError):
                raise
            return
        if session.refused is not None:
            self._refuse(session.name, "tls-peer", session.refused)

    def _refuse(self, peer: str, reason: str, detail: str) -> None:
        self._metrics.refused(reason)
        self._log("session-refused", peer=peer, reason=reason, detail=detail)

    def _finished(self, number: int, session: Session, _: asyncio.Future[SessionEnd]) -> None:
        del self._sessions[number]
        self._admission.left(session.host)
        for listener in self._listeners:
            listener.poke()
        self._all_ended.set()

    async def _no_sessions(self, timeout: float | None) -> None:
        """Wait until no session is left, or `timeout` seconds are over."""
        try:
            async with asyncio.timeout(timeout):
                while self._sessions:
                    self._all_ended.clear()
                    await self._all_ended.wait()
        except TimeoutError:
            pass

    def _unbind(self) -> None:
        for bound in self._bound:
            bound.close()
        self._bound.clear()
