"""Peers that want to hold memory, or to stop others: what they can get is counted."""

from __future__ import annotations

import asyncio
import socket
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from relpio import (
    Oversize,
    ServerConnection,
    ServerSettings,
    ServerState,
    encode_frame,
)

from ..doubles import HINT, OPEN, Events, receiving

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools


class Counting:
    """An output that keeps nothing, so that what is measured is the receiver's."""

    def __init__(self, *, held: bool = False) -> None:
        self.held = held
        self.octets = 0
        self.waiting: list[Callable[[], None]] = []

    def submit(self, data: bytes, on_written: Callable[[], None]) -> None:
        self.octets += len(data)
        if self.held:
            self.waiting.append(on_written)
        else:
            on_written()

    async def flushed(self) -> None:
        pass


ENDLESS = {
    "digits": (b"", b"1"),
    "zeros": (b"", b"0"),
    "letters": (b"2 ", b"a"),
    "length digits": (b"2 syslog ", b"9"),
    "spaces": (b"2 syslog 4", b" "),
    "line feeds": (b"", b"\n"),
    "nothing": (b"", b"\0"),
    "http": (b"GET / HTTP/1.1\r\n", b"X-A: b\r\n"),
    "offers": (b"2 open 999999999 ", b"a=b\n"),
    "a huge message": (b"2 syslog 999999999 ", b"x"),
    "after close": (b"2 close 0\n", b"x"),
    "serverclose": (b"0 serverclose 0\n", b"x"),
}


@pytest.mark.parametrize("oversize", list(Oversize))
@pytest.mark.parametrize("name", list(ENDLESS))
def test_endless_octets_end_up_nowhere(name: str, oversize: Oversize) -> None:
    """However long a peer goes on, what is held stays below one message and one header."""
    start, more = ENDLESS[name]
    settings = ServerSettings(max_message_size=10_000, oversize=oversize, max_accepted_size=20_000)
    server = ServerConnection(settings)
    server.receive_data(OPEN, 0.0)
    server.receive_data(start, 0.0)
    piece = (more * 10_000)[:10_000]
    tracemalloc.start()
    try:
        for _ in range(300):  # three million bytes
            server.receive_data(piece, 0.0)
            assert server.buffered <= 20_000 + 60
            server.data_to_send()
            while server.next_event() is not None:
                pass
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 100_000
    if server.state is ServerState.LOST:
        assert server.buffered == 0


def test_nothing_is_kept_after_close_while_answers_are_owed() -> None:
    server = ServerConnection()
    server.receive_data(OPEN + b"2 syslog 1 a\n3 close 0\n", 0.0)
    server.data_to_send()
    for _ in range(100):
        server.receive_data(b"x" * 10_000, 0.0)
    assert server.buffered == 0
    server.acknowledge(1)
    assert server.data_to_send() == b"2 rsp 6 200 OK\n3 rsp 0\n" + HINT


def test_half_frames_of_a_crowd_are_bounded_and_the_slowest_go(tools: type[Tools]) -> None:
    limits = ServerSettings(max_message_size=100_000)

    async def main() -> None:
        log = Events()
        async with receiving(
            Counting(), log=log, session=limits, max_partial=1_000_000
        ) as receiver:
            port = receiver.address[1]
            honest, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(OPEN)
            await honest.readuntil(b"commands=syslog\n")
            crowd = []
            for number in range(40):
                sock = socket.create_connection(("127.0.0.1", port))
                sock.sendall(OPEN + b"2 syslog 100000 " + b"x" * 90_000)
                crowd.append(sock)
                writer.write(b"%d syslog 1 x\n" % (number + 2))
                assert await honest.readuntil(b"\n") == b"%d rsp 6 200 OK\n" % (number + 2)
                assert receiver.partial <= 1_000_000 + 262_144
            await tools.eventually(lambda: len(log.lost) >= 28)
            assert set(log.lost) == {"memory"}
            await tools.eventually(lambda: receiver.sessions + len(log.lost) == 41)
            held = [session.frame_since for session in receiver._sessions.values()]
            assert receiver.partial <= 1_000_000
            # The last to come are still there, and can go on.
            assert len(held) >= 8
            crowd[-1].sendall(b"x" * 10_000 + b"\n3 close 0\n")
            crowd[-1].settimeout(20)
            await asyncio.to_thread(read_until, crowd[-1], b"2 rsp 6 200 OK\n3 rsp 0\n" + HINT)
            writer.close()
            for sock in crowd:
                sock.close()
            await tools.eventually(lambda: receiver.sessions == 0)
            assert receiver.partial == 0

    asyncio.run(main())


def read_until(sock: socket.socket, end: bytes) -> None:
    got = b""
    while not got.endswith(end):
        data = sock.recv(65536)
        assert data, got
        got += data


@pytest.mark.parametrize(
    "frame", [b"%d syslog 0\n", b"%d syslog 1 x\n"], ids=["empty", "one octet"]
)
@pytest.mark.parametrize("opened", [True, False])
def test_who_reads_no_answers_stops_being_read(
    tools: type[Tools], frame: bytes, opened: bool
) -> None:
    """Each message is answered with more bytes than it has: that must not pile up."""

    async def main() -> None:
        async with receiving(Counting()) as receiver:
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", receiver.address[1]))
            sock.setblocking(False)
            await tools.eventually(lambda: receiver.sessions == 1)
            (session,) = receiver._sessions.values()
            frames = b"".join(frame % txnr for txnr in range(1 + opened, 800_000))
            view = memoryview((OPEN if opened else b"") + frames)
            async with asyncio.timeout(20):
                while not session.writing_paused:
                    assert view, "everything was taken"
                    with suppress(BlockingIOError):
                        view = view[sock.send(view[:100_000]) :]
                    await asyncio.sleep(0)
            assert session._transport is not None
            # One read is 256 KiB at most, and each frame of 11 bytes has an answer of 30.
            assert session._transport.get_write_buffer_size() < 64 * 1024 + 3 * 262_144
            sock.close()
            await tools.eventually(lambda: receiver.sessions == 0)

    asyncio.run(main())


def test_a_stuck_output_bounds_what_all_may_send(
    tools: type[Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relpio.receiver.session.MAX_PENDING", 200_000)
    monkeypatch.setattr("relpio.receiver.session.MAX_PENDING_IN_ALL", 1_000_000)

    async def main() -> None:
        output = Counting(held=True)
        async with receiving(output) as receiver:
            frames = b"".join(encode_frame(n, b"syslog", b"y" * 50) for n in range(2, 30_000))
            clients = []
            for _ in range(20):
                _, writer = await asyncio.open_connection("127.0.0.1", receiver.address[1])
                writer.write(OPEN + frames)
                clients.append(writer)
            sessions = receiver._sessions
            await tools.eventually(
                lambda: len(sessions) == 20 and all(each.paused for each in sessions.values())
            )
            # Each may have one read's worth more than the limit allows: 256 KiB of frames.
            assert receiver.pending < 20 * 600_000
            for writer in clients:
                writer.transport.abort()
            # Who is not read is not seen to leave, until the output goes on.
            output.held = False
            for on_written in output.waiting:
                on_written()
            await tools.eventually(lambda: receiver.sessions == 0)
            assert receiver.pending == 0

    asyncio.run(main())


def test_a_newcomer_waits_for_a_few_turns_of_the_others_not_for_all_that_they_sent(
    tools: type[Tools],
) -> None:
    busy, turn = 20, ServerSettings().messages_per_turn

    async def main() -> None:
        async with receiving(Counting()) as receiver:
            frames = b"".join(b"%d syslog 1 x\n" % txnr for txnr in range(2, 150_000))
            sockets = []
            for _ in range(busy):
                sock = socket.socket()
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2_000_000)
                sock.connect(("127.0.0.1", receiver.address[1]))
                sock.setblocking(False)
                with suppress(BlockingIOError):
                    sock.send(OPEN + frames)
                sockets.append(sock)
            await tools.eventually(lambda: receiver.received > busy * turn)
            newcomer = socket.create_connection(("127.0.0.1", receiver.address[1]))
            newcomer.setblocking(False)
            newcomer.send(OPEN)
            before = receiver.received
            answer = await asyncio.get_running_loop().sock_recv(newcomer, 1000)
            assert answer.startswith(b"1 rsp ")
            # Accept, hand over, read, answer, and this test's own: a turn each.
            assert receiver.received - before <= busy * turn * 6
            for sock in (newcomer, *sockets):
                sock.close()
            await tools.eventually(lambda: receiver.sessions == 0)

    asyncio.run(main())


def test_a_flood_of_connections_does_not_starve_a_session(tools: type[Tools]) -> None:
    async def main() -> None:
        async with receiving(Counting(), max_sessions=50) as receiver:
            port = receiver.address[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(OPEN)
            await reader.readuntil(b"commands=syslog\n")
            for txnr in range(2, 100):
                flood = [socket.socket() for _ in range(5)]
                for sock in flood:
                    sock.setblocking(False)
                    sock.connect_ex(("127.0.0.1", port))
                writer.write(b"%d syslog 1 x\n" % txnr)
                async with asyncio.timeout(20):
                    assert await reader.readuntil(b"\n") == b"%d rsp 6 200 OK\n" % txnr
                for sock in flood:
                    sock.close()
            writer.close()
            await tools.eventually(lambda: receiver.sessions == 0)

    asyncio.run(main())
