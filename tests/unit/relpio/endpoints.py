"""Endpoints for tests: a sender, a server of the test's own, a client that speaks bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from relpio import (
    ClientSettings,
    MemoryQueue,
    Messages,
    Sender,
    SenderSettings,
    ServerConnection,
    SessionClosed,
    SessionLost,
)
from relpio.net.addresses import TcpAddress

from .doubles import QUICK, Events


def sending(
    port: int,
    *,
    log: Events | None = None,
    queue: MemoryQueue | None = None,
    session: ClientSettings | None = None,
    **settings: Any,
) -> Sender:
    settings.setdefault("backoff", QUICK)
    return Sender(
        SenderSettings(
            targets=[TcpAddress("127.0.0.1", port)], session=session or ClientSettings(), **settings
        ),
        queue=queue,
        log=log or Events(),
    )


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """A server that does what a test says, and is gone at its end."""
    writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            await handler(reader, writer)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


async def core_events(
    core: ServerConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> AsyncIterator[Messages]:
    while data := await reader.read(65536):
        core.receive_data(data, 0.0)
        while (event := core.next_event()) is not None:
            if isinstance(event, Messages):
                yield event
            elif isinstance(event, SessionClosed | SessionLost):
                writer.write(core.data_to_send())
                return
        writer.write(core.data_to_send())


async def raw_client(port: int, octets: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(octets)
    return reader, writer
