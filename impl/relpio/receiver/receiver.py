"""The receiver: a listener, its sessions, and one output for all."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from relpio.errors import ConfigurationError
from relpio.logs import Log, no_log
from relpio.net.addresses import format_address, resolve
from relpio.net.sockopts import Keepalive, check_user_timeout
from relpio.protocol.server import ServerSettings
from relpio.receiver.formats import Format, as_lines
from relpio.receiver.listener import Listener
from relpio.receiver.session import Session

__all__ = ["Output", "Receiver", "ReceiverSettings"]


class Output(Protocol):
    """Takes octets and says when they are safe. `relpio.FileOutput` is one."""

    def submit(self, data: bytes, on_written: Callable[[], None]) -> None:
        """Write `data` after everything submitted before; then call `on_written`."""
        ...

    async def flushed(self) -> None:
        """Wait until everything submitted is written."""
        ...


@dataclass(frozen=True, kw_only=True)
class ReceiverSettings:
    """How a receiver behaves. Times are in seconds.

    Attributes:
        host: address or name to listen on.
        port: TCP port; 0 lets the kernel choose.
        session: limits of a session.
        keepalive: TCP keepalive of sessions; None is off.
        user_timeout: TCP_USER_TIMEOUT of sessions; None is off.
        max_sessions: connections at one time; others wait in the kernel's queue.
        format: how messages are written.
    """

    host: str
    port: int
    session: ServerSettings = field(default_factory=ServerSettings)
    keepalive: Keepalive | None = field(default_factory=Keepalive)
    user_timeout: float | None = None
    max_sessions: int = 10_000
    format: Format = as_lines

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if self.max_sessions < 1:
            raise ConfigurationError("max_sessions must be at least 1")
        check_user_timeout(self.user_timeout)


class Receiver:
    """Takes messages from any number of clients and acknowledges what the output has taken.

    receiver = Receiver(settings, output)
    await receiver.start()          # receiver.address is known now
    ...
    await receiver.close(timeout=5)
    """

    def __init__(self, settings: ReceiverSettings, output: Output, *, log: Log = no_log) -> None:
        """Prepare; `start` does the rest."""
        self.settings = settings
        self.address: tuple[str, int] = (settings.host, settings.port)
        self.received = 0
        self.acknowledged = 0
        self.pending = 0  # octets of messages that are not written yet
        self._output = output
        self._log = log
        self._listener: Listener | None = None
        self._sessions: dict[asyncio.Task[None], Session] = {}

    @property
    def sessions(self) -> int:
        """Connections that are open now."""
        return len(self._sessions)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address cannot be used; the text says which and why.
        """
        sock = await _bound_socket(self.settings.host, self.settings.port)
        self.address = sock.getsockname()[:2]
        self._listener = Listener(sock, self._accepted, self._may_accept, self._log)
        self._log("listening", address=self.address[0], port=self.address[1])

    async def close(self, timeout: float = 5.0) -> None:
        """Stop: accept nothing more, write and answer what was received, hint, hang up.

        Takes `timeout` seconds at most, and a moment to cut what is left then.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for session in self._sessions.values():
            session.stop_reading()
        try:
            async with asyncio.timeout(timeout / 2):
                await self._output.flushed()
        except TimeoutError:
            self._log("output-stuck", detail="messages without an answer will come again")
        for session in list(self._sessions.values()):
            session.close()
        if self._sessions:
            left = max(0.0, deadline - asyncio.get_running_loop().time())
            await asyncio.wait(list(self._sessions), timeout=left)
        for session in list(self._sessions.values()):
            session.abort()
        if self._sessions:
            await asyncio.wait(list(self._sessions))

    # SessionOwner

    def session_opened(self, session: Session) -> None:
        """Called by a session."""
        self._log("session-open", peer=session.peer)

    def take(self, messages: Sequence[bytes], size: int, on_taken: Callable[[], None]) -> None:
        """Called by a session."""
        count = len(messages)
        self.received += count
        self.pending += size

        def written() -> None:
            self.pending -= size
            self.acknowledged += count
            on_taken()

        self._output.submit(self.settings.format(messages), written)

    def _may_accept(self) -> bool:
        return len(self._sessions) < self.settings.max_sessions

    def _accepted(self, sock: socket.socket) -> None:
        settings = self.settings
        session = Session(self, settings.session, settings.keepalive, settings.user_timeout)
        task = asyncio.create_task(self._serve(sock, session))
        self._sessions[task] = session
        task.add_done_callback(self._ended)

    async def _serve(self, sock: socket.socket, session: Session) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: session, sock)
        except OSError as error:  # it was gone before we could look at it
            sock.close()
            self._log("session-lost", peer="", reason="socket-error", detail=str(error))
            return
        ending = await session.finished
        fields = {"peer": session.peer, "detail": ending.detail, "received": session.received}
        if ending.reason is None:
            self._log("session-closed", reason="closed", **fields)
        else:
            self._log("session-lost", reason=ending.reason.value, **fields)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._sessions[task]
        if self._listener is not None:
            self._listener.poke()
        if not task.cancelled():
            task.result()


async def _bound_socket(host: str, port: int) -> socket.socket:
    addresses = await resolve(host, port)
    if not addresses:
        raise OSError(f"{host} has no address")
    address = addresses[0]
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        # A receiver that restarts must not wait for the remains of its old connections.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(address)
    except OSError as error:
        sock.close()
        where = format_address(address)
        raise OSError(error.errno, f"cannot listen on {where}: {error.strerror}") from None
    return sock
