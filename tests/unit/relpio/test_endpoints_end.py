"""Sender and receiver over loopback TCP: each comes to an end in time, whatever the peer does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from relpio import (
    BackoffPolicy,
    Receiver,
    ReceiverSettings,
    ServerConnection,
    ServerSettings,
)
from relpio.net.addresses import TcpAddress

from .doubles import OPEN, Events, Memory, receiving
from .endpoints import raw_client, sending, serving

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools


def test_closing_a_receiver_ends_in_time_with_a_stuck_output(tools: type[Tools]) -> None:
    async def main() -> None:
        output, log = Memory(held=True), Events()
        receiver = Receiver(ReceiverSettings(listen=[TcpAddress("127.0.0.1", 0)]), output, log=log)
        await receiver.start()
        reader, writer = await raw_client(receiver.address[1], OPEN + b"2 syslog 1 a\n")
        await tools.eventually(lambda: len(output.waiting) > 0)
        start = asyncio.get_running_loop().time()
        await receiver.close(timeout=0.2)
        assert asyncio.get_running_loop().time() - start < 5.0
        assert (await reader.read()).endswith(b"0 serverclose 0\n")
        assert len(log.of("output-stuck")) == 1
        writer.close()

    asyncio.run(main())


def test_closing_a_receiver_cuts_clients_that_read_nothing(tools: type[Tools]) -> None:
    async def main() -> None:
        log = Events()
        receiver = Receiver(
            ReceiverSettings(listen=[TcpAddress("127.0.0.1", 0)]), Memory(), log=log
        )
        await receiver.start()
        reader, writer = await raw_client(receiver.address[1], OPEN)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.transport.set_write_buffer_limits(high=10**9)
        writer.write(b"".join(b"%d syslog 1 x\n" % txnr for txnr in range(2, 600_000)))
        sessions = receiver._sessions.values()
        await tools.eventually(lambda: any(session.writing_paused for session in sessions))
        start = asyncio.get_running_loop().time()
        await receiver.close(timeout=0.2)
        assert asyncio.get_running_loop().time() - start < 5.0
        assert receiver.sessions == 0
        writer.transport.abort()
        del reader

    asyncio.run(main())


def test_a_sender_can_be_closed_at_any_time(
    tools: type[Tools], black_hole: tuple[str, int]
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        for port, event in ((black_hole[1], "connecting"), (black_hole[1], "connected"),
                            (tools.free_port(), "backoff")):  # fmt: skip
            log = Events()
            sender = sending(port, log=log, backoff=BackoffPolicy(60.0, 60.0))
            async with sender:
                await sender.put([b"a"])
                await tools.eventually(lambda log=log, event=event: bool(log.of(event)))  # type: ignore[misc]
                start = loop.time()
                await sender.close(timeout=0.1)
                assert loop.time() - start < 5.0
            assert sender.acked == 0

    asyncio.run(main())


def test_a_close_that_is_not_answered_has_a_time_limit(tools: type[Tools]) -> None:
    async def no_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        core = ServerConnection()
        core.receive_data(await reader.read(1000), 0.0)
        writer.write(core.data_to_send())
        await reader.read()

    async def main() -> None:
        log = Events()
        async with serving(no_close) as port, sending(port, log=log) as sender:
            await tools.eventually(lambda: bool(log.of("session-open")))
            await sender.close(timeout=0.1)
        assert log.of("session-closed")

    asyncio.run(main())


def test_an_open_timer_drops_silent_clients(tools: type[Tools]) -> None:
    async def main() -> None:
        log = Events()
        async with receiving(
            Memory(), log=log, session=ServerSettings(open_timeout=0.05)
        ) as receiver:
            reader, writer = await raw_client(receiver.address[1], b"")
            assert await reader.read() == b"0 serverclose 0\n"
            writer.close()
            await tools.eventually(lambda: log.lost == ["open-timeout"])

    asyncio.run(main())
