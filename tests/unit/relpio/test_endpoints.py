"""Sender and receiver over loopback TCP."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from relpio import (
    ClientSettings,
    ConfigurationError,
    Keepalive,
    LocalProtocolError,
    MemoryQueue,
    Receiver,
    ReceiverSettings,
    Sender,
    SenderSettings,
    ServerConnection,
    octet_counted,
)
from relpio.net.addresses import TcpAddress
from relpio.receiver.session import MAX_PENDING

from .doubles import OPEN, QUICK, Events, Memory, numbered, receiving
from .endpoints import core_events, raw_client, sending, serving

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools


def test_messages_arrive_in_order_and_the_session_closes() -> None:
    async def main() -> None:
        output, here, there = Memory(), Events(), Events()
        async with receiving(output, log=there) as receiver:
            async with sending(receiver.address[1], log=here) as sender:
                await sender.put(numbered(1000))
                await sender.drain()
                assert (sender.accepted, sender.acked) == (1000, 1000)
            assert output.lines == numbered(1000)
            assert receiver.received == receiver.acknowledged == 1000
        assert [name for name, _ in here.records] == [
            "connecting", "connected", "session-open", "session-closed",
        ]  # fmt: skip
        assert [name for name, _ in there.records] == [
            "listening", "session-open", "session-closed",
        ]  # fmt: skip

    asyncio.run(main())


def test_ipv6_and_names() -> None:
    async def main() -> None:
        output = Memory()
        receiver = Receiver(
            ReceiverSettings(listen=[TcpAddress("::1", 0)], format=octet_counted), output
        )
        await receiver.start()
        settings = SenderSettings(
            targets=[TcpAddress("::1", receiver.address[1])], local_address="::1"
        )
        async with Sender(settings) as sender:
            await sender.put([b"a\nb"])
            await sender.drain()
        await receiver.close()
        assert output.data == b"3 a\nb"

    asyncio.run(main())


def test_a_full_queue_holds_the_feeder_back(tools: type[Tools]) -> None:
    async def main() -> None:
        output, queue = Memory(held=True), MemoryQueue(10)
        async with (
            receiving(output) as receiver,
            sending(receiver.address[1], queue=queue) as sender,
        ):
            putting = asyncio.create_task(sender.put(numbered(25)))
            await tools.eventually(lambda: len(output.waiting) > 0)
            assert not putting.done()
            assert len(queue) == 10
            output.held = False
            output.release()
            await putting
            await sender.drain()
            assert output.lines == numbered(25)

    asyncio.run(main())


def test_only_what_the_output_took_is_acknowledged(tools: type[Tools]) -> None:
    async def main() -> None:
        output = Memory(held=True)
        async with receiving(output) as receiver, sending(receiver.address[1]) as sender:
            await sender.put(numbered(5))
            await tools.eventually(lambda: len(output.waiting) > 0)
            log = Events()
            async with sending(receiver.address[1], log=log):
                await tools.eventually(lambda: len(log.of("session-open")) > 0)
            assert sender.acked == 0  # what was answered before that session opened has come
            output.release()
            await sender.drain()

    asyncio.run(main())


def test_a_receiver_that_comes_back_gets_everything(tools: type[Tools]) -> None:
    async def main() -> None:
        port, log = tools.free_port(), Events()
        first, second = Memory(held=True), Memory()
        session = ClientSettings(window=8)
        async with sending(port, log=log, session=session) as sender:
            await tools.eventually(lambda: "connect-failed" in log.lost)
            await sender.put(numbered(20))
            async with receiving(first, listen=[TcpAddress("127.0.0.1", port)]):
                await tools.eventually(lambda: len(first.waiting) > 0)
            async with receiving(second, listen=[TcpAddress("127.0.0.1", port)]):
                await sender.drain()
        assert second.lines == numbered(20)
        assert "serverclose" in log.lost
        assert log.of("replay") == [{"count": 8}]

    asyncio.run(main())


@pytest.mark.parametrize("opened", [False, True])
def test_a_server_that_stops_answering_is_left(tools: type[Tools], opened: bool) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        core = ServerConnection()
        async for _ in core_events(core, reader, writer):
            if not opened:
                return
        await reader.read()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def main() -> None:
        log = Events()
        session = ClientSettings(ack_timeout=0.1, open_timeout=0.1)
        async with (
            serving(mute if opened else silent) as port,
            sending(port, log=log, session=session) as sender,
        ):
            await sender.put([b"a"])
            await tools.eventually(lambda: len(log.lost) >= 2)
        reason = "ack-timeout" if opened else "open-timeout"
        assert set(log.lost) == {reason}
        assert sender.acked == 0

    asyncio.run(main())


def test_each_loss_has_its_reason(tools: type[Tools]) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
        )
        writer.transport.abort()

    async def end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10_000)

    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        await reader.read()

    async def main() -> None:
        for handler, reason in ((reset, "reset"), (end, "eof"), (garbage, "protocol-error")):
            log = Events()
            async with serving(handler) as port, sending(port, log=log):
                await tools.eventually(lambda log=log: len(log.lost) > 0)  # type: ignore[misc]
            assert log.lost[0] == reason

    asyncio.run(main())


def test_a_refused_message_is_kept_and_sent_again() -> None:
    got: list[bytes] = []
    refusals = 3

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal refusals
        core = ServerConnection()
        async for event in core_events(core, reader, writer):
            for message in event.messages:
                if message == b"message 0" and refusals:
                    refusals -= 1
                    core.refuse("disk full")
                else:
                    got.append(message)
                    core.acknowledge(1)

    async def main() -> None:
        log = Events()
        session = ClientSettings(window=1)
        async with serving(handle) as port, sending(port, log=log, session=session) as sender:
            await sender.put(numbered(3))
            await sender.drain()
        assert sorted(got) == numbered(3)
        nacks = [(nack["message"], nack["code"], nack["text"]) for nack in log.of("nack")]
        assert nacks == [(1, 500, "disk full")] * 3
        assert log.of("backoff") == []
        assert log.lost == []

    asyncio.run(main())


def test_a_session_is_renewed_when_its_numbers_run_out() -> None:
    async def main() -> None:
        output, log = Memory(), Events()
        session = ClientSettings(last_txnr=12)
        async with (
            receiving(output) as receiver,
            sending(receiver.address[1], log=log, session=session) as sender,
        ):
            await sender.put(numbered(55))
            await sender.drain()
        assert output.lines == numbered(55)
        assert len(log.of("session-open")) == 6
        assert log.lost == []
        assert log.of("backoff") == []

    asyncio.run(main())


def test_keepalive_and_user_timeout_are_set_on_both_sides(
    tools: type[Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, object]] = []
    for side in ("sender.session", "receiver.session"):
        for name in ("set_keepalive", "set_user_timeout"):
            monkeypatch.setattr(
                f"relpio.{side}.{name}",
                lambda _, value, at=f"{side} {name}": calls.append((at, value)),
            )

    async def main() -> None:
        here, there = Keepalive(7, 2, 3), Keepalive(8, 2, 3)
        async with (
            receiving(Memory(), keepalive=there, user_timeout=4.0) as receiver,
            sending(receiver.address[1], keepalive=here, user_timeout=5.0) as sender,
        ):
            await sender.put([b"a"])
            await sender.drain()
        assert sorted(calls, key=lambda call: call[0]) == [
            ("receiver.session set_keepalive", there),
            ("receiver.session set_user_timeout", 4.0),
            ("sender.session set_keepalive", here),
            ("sender.session set_user_timeout", 5.0),
        ]

    asyncio.run(main())


def test_max_sessions_leaves_others_waiting(tools: type[Tools]) -> None:
    async def main() -> None:
        output, log = Memory(), Events()
        async with receiving(output, log=log, max_sessions=2) as receiver:
            port = receiver.address[1]
            clients = [await raw_client(port, OPEN) for _ in range(3)]
            await tools.eventually(lambda: len(log.of("session-open")) == 2)
            await tools.eventually(lambda: log.of("accept-paused") == [{"reason": "max-sessions"}])
            assert receiver.sessions == 2
            clients[0][1].close()
            await clients[2][0].readuntil(b"commands=syslog\n")
            for _, writer in clients[1:]:
                writer.close()
            await tools.eventually(lambda: receiver.sessions == 0)
            assert len(log.of("accept-resumed")) >= 1

    asyncio.run(main())


def test_garbage_and_slow_readers_do_not_disturb_others(tools: type[Tools]) -> None:
    async def main() -> None:
        output, log = Memory(), Events()
        async with receiving(output, log=log) as receiver:
            port = receiver.address[1]
            rubbish, rubbish_writer = await raw_client(port, b"\x16\x03\x01\x02\x00rubbish")
            # This client sends messages forever and never reads an answer.
            _, deaf = await raw_client(port, OPEN)
            body = b"".join(b"%d syslog 1 x\n" % txnr for txnr in range(2, 400_000))
            deaf.transport.set_write_buffer_limits(high=10**9)
            deaf.write(body)
            async with sending(port) as sender:
                await sender.put(numbered(300))
                await sender.drain()
            assert await rubbish.read() == b"0 serverclose 0\n"
            assert set(numbered(300)) <= set(output.lines)
            assert "protocol-error" in log.lost
            rubbish_writer.close()
            deaf.transport.abort()
            await tools.eventually(lambda: receiver.sessions == 0)

    asyncio.run(main())


def test_a_session_reads_no_more_than_the_output_can_take(tools: type[Tools]) -> None:
    async def main() -> None:
        output = Memory(held=True)
        message = b"x" * 100_000
        session = ClientSettings(window=500)
        async with (
            receiving(output) as receiver,
            sending(receiver.address[1], session=session) as sender,
        ):
            await sender.put([message] * 200)
            await tools.eventually(lambda: len(output.waiting) > 0)
            (reading,) = receiver._sessions.values()
            # Then nothing more can come.
            transport = reading._transport
            assert transport is not None
            await tools.eventually(lambda: reading.paused and not transport.is_reading())
            held = sum(len(data) for data, _ in output.waiting)
            assert 0 < held < MAX_PENDING + 2 * 262_144 + 100_000
            output.held = False
            output.release()
            await sender.drain()
            assert output.lines == [message] * 200

    asyncio.run(main())


def test_many_sessions_together_read_no_more_than_the_output_can_take(
    tools: type[Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relpio.receiver.session.MAX_PENDING_IN_ALL", 1000)

    async def main() -> None:
        output = Memory(held=True)
        async with receiving(output) as receiver:
            port, message = receiver.address[1], b"x" * 1000
            async with sending(port) as one, sending(port) as two:
                for sender in (one, two):
                    await sender.put([message] * 500)
                await tools.eventually(lambda: all(
                    session.paused for session in receiver._sessions.values()
                ) and len(receiver._sessions) == 2)  # fmt: skip
                output.held = False
                output.release()
                await one.drain()
                await two.drain()
        assert output.lines == [message] * 1000
        assert receiver.pending == 0

    asyncio.run(main())


def test_names_are_looked_up(tools: type[Tools]) -> None:
    async def main() -> None:
        log = Events()
        settings = SenderSettings(targets=[TcpAddress("no.such.name.invalid", 1)], backoff=QUICK)
        async with Sender(settings, log=log):
            await tools.eventually(lambda: log.lost == ["connect-failed"] or len(log.lost) > 1)
        output = Memory()
        async with receiving(output) as receiver:
            settings = SenderSettings(
                targets=[TcpAddress("localhost", receiver.address[1])], backoff=QUICK
            )
            async with Sender(settings) as sender:  # ::1 is tried, too, and nobody is there
                await sender.put([b"a"])
                await sender.drain()
        assert output.lines == [b"a"]

    asyncio.run(main())


def test_a_sender_must_run() -> None:
    async def main() -> None:
        sender = sending(1)
        with pytest.raises(LocalProtocolError, match="not running"):
            await sender.put([b"a"])
        async with sender:
            await sender.put([b"a"])
        with pytest.raises(LocalProtocolError):
            await sender.drain()
        await sender.close()

    asyncio.run(main())


def test_a_bug_in_the_sender_reaches_whoever_waits() -> None:
    async def main() -> None:
        def broken_log(event: str, /, **fields: object) -> None:
            raise ZeroDivisionError

        sender = Sender(SenderSettings(targets=[TcpAddress("127.0.0.1", 1)]), log=broken_log)
        with pytest.raises(ZeroDivisionError):
            async with sender:
                await sender.put([b"a"])
                await sender.drain()

    asyncio.run(main())


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigurationError):
        SenderSettings(targets=[TcpAddress("x", 1)], connect_timeout=0)
    with pytest.raises(ConfigurationError):
        SenderSettings(targets=[TcpAddress("x", 1)], user_timeout=0.0001)
    with pytest.raises(ConfigurationError):
        ReceiverSettings(listen=[TcpAddress("x", 1)], max_sessions=0)
