"""A server for a sender, which answers as a test says; and a sender to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from relpio import (
    Messages,
    Sender,
    SenderSettings,
    ServerConnection,
    SessionClosed,
    SessionLost,
)
from relpio.net.addresses import Address, TcpAddress, UnixAddress

from ..doubles import QUICK, Events

Answer = Callable[[ServerConnection, bytes], None]

AT_A = [TcpAddress("a", 1)]


class Server:
    """Takes messages; what it answers is for `answer` to say."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer = answer
        self.messages: list[bytes] = []
        self.sessions: list[list[bytes]] = []
        self.now = 0  # sessions at this time
        self.most = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        core, own = ServerConnection(), list[bytes]()
        self._writers.add(writer)
        self.sessions.append(own)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            while data := await reader.read(65536):
                core.receive_data(data, 0.0)
                over = self._take(core, own)
                writer.write(core.data_to_send())
                if over:
                    break
        except OSError:
            pass
        finally:
            self.now -= 1
            writer.close()

    def _take(self, core: ServerConnection, own: list[bytes]) -> bool:
        while (event := core.next_event()) is not None:
            if isinstance(event, SessionClosed | SessionLost):
                return True
            for message in event.messages if isinstance(event, Messages) else ():
                if self.answer is None:
                    own.append(message)
                    self.messages.append(message)
                    core.acknowledge(1)
                else:
                    self.answer(core, message)
        return False

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    @asynccontextmanager
    async def at(self, where: Path | int = 0) -> AsyncIterator[Address]:
        address: Address
        if isinstance(where, Path):
            server: asyncio.Server = await asyncio.start_unix_server(self.handle, where)
            address = UnixAddress(str(where))
        else:
            server = await asyncio.start_server(self.handle, "127.0.0.1", where)
            address = TcpAddress(*server.sockets[0].getsockname()[:2])
        try:
            yield address
        finally:
            server.close()
            self.cut()
            await asyncio.sleep(0)


def sending(*targets: Address, log: Events | None = None, **settings: Any) -> Sender:
    settings.setdefault("backoff", QUICK)
    queue = settings.pop("queue", None)
    return Sender(SenderSettings(targets=targets, **settings), queue=queue, log=log or Events())
