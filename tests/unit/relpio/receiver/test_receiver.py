"""A receiver: where it listens, whom it lets in, when it answers, what it says about itself."""

from __future__ import annotations

import asyncio
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relpio import (
    ConfigurationError,
    Oversize,
    Received,
    Receiver,
    ReceiverSettings,
    ServerSettings,
    as_lines,
    encode_frame,
)
from relpio.metrics.registry import Registry
from relpio.net.addresses import TcpAddress, UnixAddress

from ..doubles import HINT, OPEN, Events, Memory, receiving

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools

LOOPBACK = TcpAddress("127.0.0.1", 0)


class ByHost(Memory):
    """An output that wants to know who sent what."""

    def __init__(self) -> None:
        super().__init__()
        self.hosts: list[str] = []

    def submit_received(self, received: Received, on_written: Callable[[], None]) -> None:
        self.hosts.append(received.peer)
        self.submit(as_lines(received.messages), on_written)


class Client:
    """A client made of bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int, host: str = "127.0.0.1", **options: Any) -> Client:
        return cls(*await asyncio.open_connection(host, port, limit=2**27, **options))

    async def open(self) -> Client:
        self.writer.write(OPEN)
        await self.reader.readuntil(b"commands=syslog\n")
        return self

    async def send(self, txnr: int, message: bytes) -> bytes:
        self.writer.write(encode_frame(txnr, b"syslog", message))
        return await self.reader.readuntil(b"\n")

    async def rest(self) -> bytes:
        return await self.reader.read()

    def close(self) -> None:
        self.writer.close()


def figures(registry: Registry) -> dict[str, float]:
    return {
        family.name + "".join(value for _, value in sample.labels): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def test_several_addresses_at_once(tmp_path: Path) -> None:
    path = tmp_path / "socket"

    async def main() -> None:
        output, log = ByHost(), Events()
        listen = [LOOPBACK, TcpAddress("::1", 0), UnixAddress(str(path))]
        async with receiving(output, log=log, listen=listen):
            four, six, unix = log.of("listening")
            assert unix == {"address": f"unix:{path}", "port": None}
            clients = [
                await Client.connect(four["port"]),
                await Client.connect(six["port"], "::1"),
                Client(*await asyncio.open_unix_connection(str(path))),
            ]
            for client in clients:
                await client.open()
                assert await client.send(2, b"hello") == b"2 rsp 6 200 OK\n"
                client.close()
        assert output.hosts == ["127.0.0.1", "::1", "unix"]
        peers = [event["peer"] for event in log.of("session-open")]
        assert peers[0].startswith("127.0.0.1:")
        assert peers[1].startswith("[::1]:")
        assert peers[2].startswith("unix:pid=")
        assert not path.exists()

    asyncio.run(main())


def test_what_is_written_out_of_order_is_answered_in_order(tools: type[Tools]) -> None:
    async def main() -> None:
        output = Memory(held=True)
        async with receiving(output) as receiver:
            client = await (await Client.connect(receiver.address[1])).open()
            for number in (2, 3):
                client.writer.write(encode_frame(number, b"syslog", b"x"))
                await tools.eventually(lambda: len(output.waiting) == number - 1)  # noqa: B023
            output.waiting[1][1]()  # the second is on the disk, the first is not
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.reader.readuntil(b"\n"), 0.1)
            output.waiting.pop()
            output.release()
            assert await client.reader.readexactly(30) == b"2 rsp 6 200 OK\n3 rsp 6 200 OK\n"
            client.close()

    asyncio.run(main())


def test_one_socket_for_both_families() -> None:
    async def main() -> None:
        output, log = ByHost(), Events()
        async with receiving(output, log=log, listen=[TcpAddress("::", 0)]) as receiver:
            for host in ("127.0.0.1", "::1"):
                client = await (await Client.connect(receiver.address[1], host)).open()
                await client.send(2, b"hello")
                client.close()
        assert output.hosts == ["127.0.0.1", "::1"]
        assert log.of("session-open")[0]["peer"].startswith("127.0.0.1:")

    asyncio.run(main())


def test_a_stale_socket_file_is_replaced_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    address = UnixAddress(str(path))
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def main() -> None:
        async with receiving(listen=[address]):
            assert stat.S_ISSOCK(path.stat().st_mode)
            second = Receiver(ReceiverSettings(listen=[LOOPBACK, address]), Memory())
            with pytest.raises(OSError, match="another process listens"):
                await second.start()
            assert path.exists()
        path.write_text("precious")
        with pytest.raises(OSError, match="not a socket"):
            await Receiver(ReceiverSettings(listen=[address]), Memory()).start()
        assert path.read_text() == "precious"

    asyncio.run(main())


def test_one_peer_has_so_many_sessions(tools: type[Tools]) -> None:
    async def main() -> None:
        log, registry = Events(), Registry()
        async with receiving(log=log, max_sessions_per_peer=2, registry=registry) as receiver:
            port = receiver.address[1]
            first, second = [await (await Client.connect(port)).open() for _ in range(2)]
            third = await Client.connect(port)
            assert await third.rest() == b""
            (refused,) = log.of("session-refused")
            assert refused["reason"] == "max-sessions-per-peer"
            assert refused["peer"].startswith("127.0.0.1:")
            # Another address is another peer.
            other = await Client.connect(port, local_addr=("127.0.0.2", 0))
            await other.open()
            first.close()
            await tools.eventually(lambda: receiver.sessions == 2)
            fourth = await (await Client.connect(port)).open()
            assert figures(registry)["relpio_receive_refused_totalmax-sessions-per-peer"] == 1
            for client in (second, third, fourth, other):
                client.close()
            await tools.eventually(lambda: receiver.sessions == 0)
            assert not receiver._admission._sessions

    asyncio.run(main())


def test_acknowledged_when_received(tools: type[Tools]) -> None:
    async def main() -> None:
        output = Memory(held=True)
        async with receiving(output, ack_at_once=True) as receiver:
            client = await (await Client.connect(receiver.address[1])).open()
            for txnr in range(2, 7):
                assert await client.send(txnr, b"x") == b"%d rsp 6 200 OK\n" % txnr
            assert output.data == b""
            assert receiver.acknowledged == 5
            assert receiver.pending > 0
            output.release()
            assert output.data == b"x\n" * 5
            assert (receiver.acknowledged, receiver.pending) == (5, 0)
            assert await client.send(7, b"y") == b"7 rsp 6 200 OK\n"
            client.close()

    asyncio.run(main())


def test_acknowledging_at_once_does_not_hold_more_memory(
    tools: type[Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relpio.receiver.session.MAX_PENDING", 10_000)

    async def main() -> None:
        output = Memory(held=True)
        async with receiving(output, ack_at_once=True) as receiver:
            client = await (await Client.connect(receiver.address[1])).open()
            frames = [encode_frame(n, b"syslog", b"x" * 1000) for n in range(2, 20_000)]
            client.writer.write(b"".join(frames))
            session = next(iter(receiver._sessions.values()))
            await tools.eventually(lambda: session.paused)
            assert receiver.pending < 10_000 + 300_000 * 1.1
            output.held = False
            output.release()
            await client.reader.readuntil(b"19999 rsp 6 200 OK\n")
            client.close()

    asyncio.run(main())


def test_empty_messages_cost_something(tools: type[Tools], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relpio.receiver.session.MAX_PENDING", 10_000)

    async def main() -> None:
        output = Memory(held=True)
        async with receiving(output) as receiver:
            client = await (await Client.connect(receiver.address[1])).open()
            client.writer.write(b"".join(b"%d syslog 0\n" % n for n in range(2, 200_000)))
            session = next(iter(receiver._sessions.values()))
            await tools.eventually(lambda: session.paused)
            assert receiver.received < 150_000
            output.held = False
            output.release()
            await client.reader.readuntil(b"199999 rsp 6 200 OK\n")
            client.close()

    asyncio.run(main())


def test_idle_and_slow_sessions_end_and_others_stay(tools: type[Tools]) -> None:
    async def main() -> None:
        log, registry = Events(), Registry()
        limits = ServerSettings(idle_timeout=1.0, frame_timeout=1.5)
        async with receiving(log=log, session=limits, registry=registry) as receiver:
            port = receiver.address[1]
            idle, slow, busy = [await (await Client.connect(port)).open() for _ in range(3)]
            slow.writer.write(b"2 syslog 1000 ")
            going = [idle, slow]
            txnr = 1
            while going:
                txnr += 1
                assert (await busy.send(txnr, b"x")).endswith(b"200 OK\n")
                if slow in going:
                    slow.writer.write(b"x")
                await asyncio.sleep(0.02)  # a rhythm, not a synchronisation
                for each in tuple(going):
                    told = each.reader._buffer == HINT  # type: ignore[attr-defined]
                    try:
                        if each.reader.exception() is None and not told:
                            continue
                        assert await each.rest() == HINT
                    except ConnectionResetError:
                        assert each is slow  # it wrote when its session was over already
                    going.remove(each)
            reasons = {event["reason"] for event in log.of("session-lost")}
            assert reasons == {"idle-timeout", "frame-timeout"}
            assert figures(registry)["relpio_receive_sessions_lost_totalidle-timeout"] == 1
            for client in (idle, slow):
                client.close()
            await tools.eventually(lambda: receiver.sessions == 1)
            busy.close()

    asyncio.run(main())


def test_a_client_that_is_held_back_is_not_idle(tools: type[Tools]) -> None:
    async def main() -> None:
        output, log = Memory(held=True), Events()
        limit = 0.3
        limits = ServerSettings(idle_timeout=limit, frame_timeout=limit)
        async with receiving(output, log=log, session=limits) as receiver:
            client = await (await Client.connect(receiver.address[1])).open()
            message = b"x" * 100_000
            frames = b"".join(encode_frame(n, b"syslog", message) for n in range(2, 100))
            client.writer.write(frames)
            session = next(iter(receiver._sessions.values()))
            await tools.eventually(lambda: session.paused)
            await asyncio.sleep(3 * limit)  # several times the limit: nothing may happen
            assert log.of("session-lost") == []
            output.held = False
            output.release()
            await client.reader.readuntil(b"99 rsp 6 200 OK\n")
            client.close()

    asyncio.run(main())


def test_oversized_messages_are_noted_once_for_each_session() -> None:
    async def main() -> None:
        output, log, registry = Memory(), Events(), Registry()
        limits = ServerSettings(max_message_size=4, oversize=Oversize.TRUNCATE)
        async with receiving(output, log=log, session=limits, registry=registry) as receiver:
            client = await (await Client.connect(receiver.address[1])).open()
            for txnr in (2, 3):
                assert await client.send(txnr, b"1234567") == b"%d rsp 6 200 OK\n" % txnr
            client.close()
        assert output.data == b"1234\n1234\n"
        (event,) = log.of("oversized")
        assert (event["bytes"], event["kept"]) == (7, 4)
        assert figures(registry)["relpio_receive_oversized_total"] == 2

    asyncio.run(main())


def test_figures(tools: type[Tools]) -> None:
    async def main() -> None:
        output, registry = Memory(held=True), Registry()
        async with receiving(output, registry=registry) as receiver:
            client = await (await Client.connect(receiver.address[1])).open()
            client.writer.write(b"2 syslog 5 hello\n3 syslog 0\n4 syslog 10 x")
            await tools.eventually(lambda: receiver.partial > 0)
            now = figures(registry)
            assert now["relpio_receive_sessions"] == 1
            assert now["relpio_receive_sessions_opened_total"] == 1
            assert now["relpio_receive_messages_total"] == 2
            assert now["relpio_receive_bytes_total"] == 5
            assert now["relpio_receive_acks_total"] == 0
            assert now["relpio_receive_pending_bytes"] == 5 + 2 * 64
            assert now["relpio_receive_partial_bytes"] == len(b"4 syslog 10 x")
            output.release()
            client.writer.write(b"123456789\n")
            await tools.eventually(lambda: len(output.waiting) == 1)
            output.release()
            assert await client.reader.readuntil(b"4 rsp 6 200 OK\n")
            client.writer.write(b"5 close 0\n")
            assert await client.rest() == b"5 rsp 0\n" + HINT
            await tools.eventually(lambda: receiver.sessions == 0)
            now = figures(registry)
            assert now["relpio_receive_acks_total"] == 3
            assert now["relpio_receive_sessions_closed_total"] == 1
            assert now["relpio_receive_partial_bytes"] == 0
            assert now["relpio_receive_pending_bytes"] == 0
            client.close()

    asyncio.run(main())


def test_settings_are_checked() -> None:
    bad: dict[str, Any]
    for bad in (
        {"listen": []},
        {"listen": [TcpAddress("x", 1)], "max_sessions_per_peer": 0},
        {"listen": [TcpAddress("x", 1)], "handshake_timeout": 0.0},
    ):
        with pytest.raises(ConfigurationError):
            ReceiverSettings(**bad)


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize(
    "end",
    ["junk\n", "5 syslog 999999999 " + "x" * 300_000, "stop"],
    ids=["violation", "oversized", "stop"],
)
def test_what_was_written_before_the_end_is_answered_before_the_hint(
    tools: type[Tools], end: str, at_once: bool
) -> None:
    async def main() -> None:
        output = Memory(held=True)
        async with receiving(output, ack_at_once=at_once) as receiver:
            client = await (await Client.connect(receiver.address[1])).open()
            rest = b"" if end == "stop" else end.encode()
            client.writer.write(b"2 syslog 1 a\n3 syslog 1 b\n4 syslog 1 c\n" + rest)
            await tools.eventually(lambda: len(output.waiting) > 0)
            closing = asyncio.create_task(receiver.close(10)) if end == "stop" else None
            await asyncio.sleep(0.05)
            # Still sending when the server is through with us: no reset may eat the answers.
            client.writer.write(b"z" * 100_000)
            output.release()
            answers = b"".join(b"%d rsp 6 200 OK\n" % txnr for txnr in (2, 3, 4))
            async with asyncio.timeout(10):
                assert await client.rest() == answers + HINT
            assert output.data == b"a\nb\nc\n"
            client.close()
            if closing is not None:
                await closing

    asyncio.run(main())


@pytest.mark.parametrize("taken", [True, False])
def test_a_client_that_closes_its_direction_gets_its_answers_or_is_cut_soon(
    taken: bool, tools: type[Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relpio.net.transport.LINGER", 20.0 if taken else 0.2)

    async def main() -> None:
        output = Memory(held=True)
        async with receiving(output) as receiver:
            client = await (await Client.connect(receiver.address[1])).open()
            client.writer.write(b"2 syslog 1 a\n3 syslog 1 b\n")
            client.writer.write_eof()
            await tools.eventually(lambda: receiver.received == 2)
            if taken:
                (session,) = receiver._sessions.values()
                await tools.eventually(lambda: session._cut_timer is not None)
                output.release()
            answered = await client.rest()
            assert answered == (b"2 rsp 6 200 OK\n3 rsp 6 200 OK\n" + HINT if taken else b"")
            client.close()
            await tools.eventually(lambda: receiver.sessions == 0)
            output.held = False
            output.release()

    asyncio.run(main())
