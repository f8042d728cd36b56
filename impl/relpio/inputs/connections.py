"""Messages over connections: syslog over TCP (RFC 6587) and Unix stream sockets."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from relpio.errors import InputError
from relpio.inputs.base import Deliver, Flow, deliver_whole
from relpio.inputs.framing import Framing, SyslogStream
from relpio.logs import Log
from relpio.net.addresses import format_address
from relpio.net.sockopts import Keepalive, set_keepalive

__all__ = ["ConnectionInput", "ConnectionSettings"]

_BACKLOG = 512
_CHUNK = 64 * 1024
_ACCEPT_RETRY = 1.0
"""Seconds until another attempt, when descriptors are used up and no connection ends."""

# accept(2): errors of the new connection, not of the listener.
_GONE = (
    errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.ENOPROTOOPT, errno.EHOSTDOWN,
    errno.ENONET, errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENETUNREACH, errno.EINTR,
    errno.EPERM,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ConnectionSettings:
    """How connections are treated.

    Attributes:
        max_line: bytes of a message; a longer one comes in pieces.
        framing: how messages are delimited.
        max_connections: at one time; others wait in the kernel's queue.
        idle_timeout: seconds of silence after which a connection is closed; None: never.
        keepalive: TCP keepalive; None is off.
    """

    max_line: int
    framing: Framing = "auto"
    max_connections: int = 1000
    idle_timeout: float | None = None
    keepalive: Keepalive | None = field(default_factory=Keepalive)


class ConnectionInput:
    """Any number of clients, each read only as fast as the queue takes its messages.

    That is the push-back: what is not read fills the kernel's buffers, and then the client's
    writes block. No answer exists in these protocols, so what is on its way when either side dies
    is lost; RELP is the cure.
    """

    def __init__(
        self,
        sock: socket.socket,
        name: str,
        settings: ConnectionSettings,
        *,
        log: Log,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        """Listen on `sock`, which is bound and not blocking, and is closed here."""
        self.name = name
        self.flow: Flow = "light"
        self.received = 0
        self.accepted = 0
        self._sock = sock
        self._settings = settings
        self._log = log
        self._on_close = on_close or sock.close
        self._clients: set[asyncio.Task[None]] = set()
        self._one_left = asyncio.Event()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sock.listen(_BACKLOG)

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._clients)

    async def run(self, deliver: Deliver) -> None:
        """Serve until cancelled."""
        accepting = asyncio.create_task(self._accept_all(deliver))
        try:
            await asyncio.wait([accepting, self._failed], return_when=asyncio.FIRST_COMPLETED)
            (self._failed if self._failed.done() else accepting).result()
        finally:
            tasks = [accepting, *self._clients]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.close()

    def close(self) -> None:
        """Stop to listen."""
        self._on_close()

    async def _accept_all(self, deliver: Deliver) -> None:
        while True:
            sock = await self._accept()
            self.accepted += 1
            client = asyncio.create_task(self._serve(sock, deliver))
            self._clients.add(client)
            client.add_done_callback(self._left)

    def _left(self, client: asyncio.Task[None]) -> None:
        self._clients.discard(client)
        self._one_left.set()
        error = None if client.cancelled() else client.exception()
        if error is not None and not self._failed.done():
            self._failed.set_exception(error)  # delivery itself fails, which concerns all clients

    async def _accept(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        paused = False
        while True:
            self._one_left.clear()
            retry: float | None = None
            if len(self._clients) < self._settings.max_connections:
                try:
                    sock, _ = await loop.sock_accept(self._sock)
                except OSError as error:
                    if error.errno in _GONE:
                        continue
                    reason = error.strerror or str(error)
                    retry = _ACCEPT_RETRY
                else:
                    if paused:
                        self._log("accept-resumed", input=self.name)
                    return sock
            else:
                reason = "max-connections"
            if not paused:
                paused = True
                self._log("accept-paused", input=self.name, reason=reason)
            try:
                async with asyncio.timeout(retry):
                    await self._one_left.wait()
            except TimeoutError:
                pass

    async def _serve(self, sock: socket.socket, deliver: Deliver) -> None:
        local = sock.family == socket.AF_UNIX
        stream = SyslogStream(self._settings.max_line, self._settings.framing, nul=local)
        with sock:
            peer = self.name
            try:
                if not local:
                    peer = format_address(sock.getpeername())
                    set_keepalive(sock, self._settings.keepalive)
                while data := await self._receive(sock):
                    await self._take(stream.feed(data), deliver)
                await self._take(stream.finish(), deliver)
            except (InputError, OSError) as error:
                if isinstance(error, TimeoutError) and error.errno is None:
                    self._log("input-idle", input=self.name, peer=peer)
                else:
                    self._log("input-lost", input=self.name, peer=peer, detail=str(error))
                await self._take(stream.finish(), deliver)
            finally:
                if stream.cut:
                    self._log("input-cut", input=self.name, peer=peer, messages=stream.cut)

    async def _receive(self, sock: socket.socket) -> bytes:
        async with asyncio.timeout(self._settings.idle_timeout):
            return await asyncio.get_running_loop().sock_recv(sock, _CHUNK)

    async def _take(self, messages: list[bytes], deliver: Deliver) -> None:
        if messages:
            await deliver_whole(deliver, messages)
            self.received += len(messages)
        else:
            await asyncio.sleep(0)  # a flood without messages must not keep the loop from others
