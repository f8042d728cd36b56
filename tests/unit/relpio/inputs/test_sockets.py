"""Inputs that listen: datagrams and connections, with push-back, limits and stale socket files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relpio.errors import ConfigurationError, LocalProtocolError
from relpio.inputs.base import Input, deliver_whole
from relpio.inputs.connections import ConnectionInput, ConnectionSettings
from relpio.inputs.datagrams import DatagramInput, kernel_drops
from relpio.logs import no_log
from relpio.net.listening import bound_internet, bound_unix, remove_unix

from ..doubles import Events

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools


class Sink:
    """Takes messages as long as its gate is open."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = 0

    async def __call__(self, messages: Sequence[bytes]) -> None:
        self.waiting += 1
        await self.gate.wait()
        self.waiting -= 1
        self.messages += messages


@contextlib.asynccontextmanager
async def running(source: Input, sink: Sink) -> AsyncIterator[None]:
    task = asyncio.create_task(source.run(sink))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def tcp(log: Callable[..., None] = no_log, **settings: Any) -> tuple[ConnectionInput, int]:
    sock = bound_internet("127.0.0.1", 0, socket.SOCK_STREAM)
    port = int(sock.getsockname()[1])
    settings.setdefault("max_line", 1000)
    return ConnectionInput(sock, "tcp", ConnectionSettings(**settings), log=log), port


def udp(log: Callable[..., None] = no_log) -> tuple[DatagramInput, socket.socket, tuple[str, int]]:
    sock = bound_internet("127.0.0.1", 0, socket.SOCK_DGRAM)
    source = DatagramInput(sock, "udp", flow="none", max_line=1000, log=log)
    return source, sock, sock.getsockname()


def test_connections_with_both_framings(tools: type[Tools]) -> None:
    async def body() -> None:
        sink = Sink()
        source, port = tcp()
        async with running(source, sink):
            with socket.create_connection(("127.0.0.1", port)) as one:
                one.sendall(b"<13>a\n5 <13>b<13>half")
                await tools.eventually(lambda: len(sink.messages) == 2)
                assert sink.messages == [b"<13>a", b"<13>b"]
                assert source.connections == 1
            await tools.eventually(lambda: source.connections == 0)
            assert sink.messages == [b"<13>a", b"<13>b", b"<13>half"]
            assert source.received == 3
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port)).close()

    asyncio.run(body())


def test_a_client_is_held_back_while_the_queue_takes_nothing(tools: type[Tools]) -> None:
    async def body() -> None:
        sink = Sink()
        sink.gate.clear()
        source, port = tcp()
        message = b"<13>" + b"x" * 995 + b"\n"
        async with running(source, sink):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.setblocking(False)
                sent = 0

                def blocked() -> bool:
                    nonlocal sent
                    try:
                        while True:
                            sent += client.send(message[sent % 1000 :])
                    except BlockingIOError:
                        return sink.waiting == 1
                    finally:
                        assert sent < 64 * 1024 * 1024, "nothing holds the client back"

                await tools.eventually(blocked)
                client.setblocking(True)
                sink.gate.set()
                await asyncio.to_thread(client.sendall, message[sent % 1000 :])
                await tools.eventually(lambda: len(sink.messages) >= sent // 1000)
        assert set(sink.messages) == {message[:-1]}

    asyncio.run(body())


def test_connections_are_bounded_and_silent_ones_are_closed(tools: type[Tools]) -> None:
    async def body() -> None:
        sink, events = Sink(), Events()
        source, port = tcp(events, max_connections=2, idle_timeout=0.2)
        async with running(source, sink):
            clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
            await tools.eventually(lambda: "accept-paused" in events.names())
            assert source.connections == 2
            await tools.eventually(lambda: source.accepted == 4 and source.connections == 0)
            assert events.names().count("input-idle") == 4
            for client in clients:
                assert client.recv(1) == b""
                client.close()

    asyncio.run(body())


def test_without_descriptors_it_waits_and_goes_on(tools: type[Tools]) -> None:
    async def body() -> None:
        sink, events = Sink(), Events()
        source, port = tcp(events)
        async with running(source, sink):
            clients = [socket.socket() for _ in range(2)]
            for client in clients:
                client.setblocking(False)
            limits = resource.getrlimit(resource.RLIMIT_NOFILE)
            lowest_free = os.dup(0)
            os.close(lowest_free)
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
            try:
                for client in clients:
                    client.connect_ex(("127.0.0.1", port))
                await tools.eventually(lambda: "accept-paused" in events.names())
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            await tools.eventually(lambda: source.accepted == 2)
            for client in clients:
                client.send(b"<13>late\n")
                client.close()
            await tools.eventually(lambda: sink.messages == [b"<13>late"] * 2)
        assert events.names()[:2] == ["accept-paused", "accept-resumed"]

    asyncio.run(body())


def test_a_reset_and_a_wrong_framing_end_one_connection_only(tools: type[Tools]) -> None:
    async def body() -> None:
        sink, events = Sink(), Events()
        source, port = tcp(events, framing="octet-counted")
        async with running(source, sink):
            with socket.create_connection(("127.0.0.1", port)) as wrong:
                wrong.sendall(b"<13>no count\n")
                await tools.eventually(lambda: events.names() == ["input-lost"])
            reset = socket.create_connection(("127.0.0.1", port))
            reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            await tools.eventually(lambda: source.connections == 1)
            reset.close()
            await tools.eventually(lambda: events.names() == ["input-lost"] * 2)
            with socket.create_connection(("127.0.0.1", port)) as good:
                good.sendall(b"5 <13>x")
            await tools.eventually(lambda: sink.messages == [b"<13>x"])

    asyncio.run(body())


def test_an_error_of_delivery_ends_the_input(tools: type[Tools]) -> None:
    async def body() -> None:
        async def deliver(messages: Sequence[bytes]) -> None:
            raise LocalProtocolError("the sender is not running")

        source, port = tcp()
        task = asyncio.create_task(source.run(deliver))
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"<13>x\n")
            with pytest.raises(LocalProtocolError):
                async with asyncio.timeout(20):
                    await task
        assert source.connections == 0

    asyncio.run(body())


def test_udp_passes_messages_unchanged_but_for_their_end(tools: type[Tools]) -> None:
    async def body() -> None:
        sink, events = Sink(), Events()
        source, _, address = udp(events)
        async with running(source, sink):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                for data in (b"<13>a\n", b"<13>b\0", b"", b"<13>c\nd", b"x" * 1500):
                    client.sendto(data, address)
            await tools.eventually(lambda: len(sink.messages) == 5)
        assert sink.messages == [b"<13>a", b"<13>b", b"<13>c\nd", b"x" * 1000, b"x" * 500]
        assert events.records == [("input-cut", {"input": "udp", "bytes": 1500})]

    asyncio.run(body())


def test_datagrams_that_the_kernel_drops_are_counted(tools: type[Tools]) -> None:
    async def body() -> None:
        sink, events = Sink(), Events()
        source, sock, address = udp(events)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sent = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            async with running(source, sink):
                sink.gate.clear()
                client.sendto(b"<13>first", address)
                await tools.eventually(lambda: sink.waiting == 1)
                while (kernel_drops(sock) or 0) < 5:
                    client.sendto(b"<13>" + b"x" * 500, address)
                    sent += 1
                sink.gate.set()
                await tools.eventually(lambda: len(sink.messages) + source.dropped > 1)
                # The kernel tells of drops with the next datagram that it can keep.
                client.sendto(b"<13>last", address)
                sent += 1
                await tools.eventually(lambda: sink.messages[-1] == b"<13>last")
                assert source.dropped == sent + 1 - len(sink.messages) >= 5
                sink.gate.clear()
                client.sendto(b"<13>held", address)
                await tools.eventually(lambda: sink.waiting == 1)
                before = kernel_drops(sock) or 0
                while (kernel_drops(sock) or 0) < before + 5:
                    client.sendto(b"<13>" + b"x" * 500, address)
                expected = kernel_drops(sock)
                sink.gate.set()
            assert source.dropped == expected
        totals = [fields["total"] for name, fields in events.records if name == "input-dropped"]
        assert totals[-1] == source.dropped
        assert sum(f["count"] for n, f in events.records if n == "input-dropped") == source.dropped

    asyncio.run(body())


def test_a_unix_datagram_socket_is_as_dev_log(tools: type[Tools], tmp_path: Path) -> None:
    path = tmp_path / "log"

    async def body() -> None:
        sink = Sink()
        sock = bound_unix(path, socket.SOCK_DGRAM, 0o620)
        assert path.stat().st_mode & 0o777 == 0o620
        inode = path.stat().st_ino
        source = DatagramInput(
            sock, "unix", flow="light", max_line=100_000, log=no_log,
            on_close=lambda: remove_unix(sock, path, inode),
        )  # fmt: skip
        async with running(source, sink):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
                client.connect(str(path))
                client.send(b"<13>app: hello\0")
                client.send(b"y" * 90_000)
                await tools.eventually(lambda: len(sink.messages) == 2)
                # Held back, not dropped: the client's write blocks.
                sink.gate.clear()
                client.setblocking(False)
                sent = 0
                with contextlib.suppress(BlockingIOError):
                    for sent in range(10_000):
                        client.send(b"<13>%d" % sent)
                        if sent % 2 == 0:
                            await asyncio.sleep(0)
                assert 0 < sent < 10_000
                sink.gate.set()
                await tools.eventually(lambda: len(sink.messages) == sent + 2)
        assert sink.messages[:2] == [b"<13>app: hello", b"y" * 90_000]
        assert sink.messages[2:] == [b"<13>%d" % number for number in range(sent)]
        assert not path.exists()

    asyncio.run(body())


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_stale_socket_file_is_replaced_and_a_live_one_is_not(
    tmp_path: Path, kind: socket.SocketKind
) -> None:
    path = tmp_path / "log"
    bound_unix(path, kind, 0o666).close()
    assert path.exists()
    other = socket.SOCK_STREAM if kind is socket.SOCK_DGRAM else socket.SOCK_DGRAM
    with bound_unix(path, kind, 0o666) as alive:
        if kind is socket.SOCK_STREAM:
            alive.listen(1)
        for wanted in (kind, other):
            with pytest.raises(ConfigurationError, match="in use by another process"):
                bound_unix(path, wanted, 0o666)
        mine = path.stat().st_ino
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="is not a socket"):
        bound_unix(tmp_path / "file", kind, 0o666)
    with pytest.raises(ConfigurationError, match="at most 107 bytes"):
        bound_unix(tmp_path / ("x" * 120), kind, 0o666)
    with pytest.raises(OSError, match="No such file"):
        bound_unix(tmp_path / "none" / "log", kind, 0o666)
    # Somebody else has put a socket there meanwhile: it is theirs.
    sock = bound_unix(path, kind, 0o666)
    remove_unix(sock, path, mine if mine != path.stat().st_ino else 0)
    assert path.exists()


def test_a_unix_stream_socket(tools: type[Tools], tmp_path: Path) -> None:
    async def body() -> None:
        sink, path = Sink(), tmp_path / "log"
        sock = bound_unix(path, socket.SOCK_STREAM, 0o666)
        source = ConnectionInput(sock, "unix", ConnectionSettings(max_line=100), log=no_log)
        async with running(source, sink):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                client.sendall(b"<13>a\0<13>b\n<13>c")
            await tools.eventually(lambda: sink.messages == [b"<13>a", b"<13>b", b"<13>c"])

    asyncio.run(body())


def test_an_address_in_use_is_named() -> None:
    with bound_internet("127.0.0.1", 0, socket.SOCK_DGRAM) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"cannot listen on 127.0.0.1 port {port}: Address"):
            bound_internet("127.0.0.1", port, socket.SOCK_DGRAM)
    with bound_internet("::1", 0, socket.SOCK_STREAM) as six:
        assert six.family == socket.AF_INET6


def test_a_delivery_under_way_is_not_cut_in_two(tools: type[Tools]) -> None:
    async def body() -> None:
        sink, recorded = Sink(), list[bytes]()
        sink.gate.clear()

        async def read() -> None:
            for message in (b"a", b"b"):
                await deliver_whole(sink, [message])
                recorded.append(message)
                await asyncio.sleep(0)

        task = asyncio.create_task(read())
        await tools.eventually(lambda: sink.waiting > 0)
        task.cancel()
        asyncio.get_running_loop().call_later(0.05, sink.gate.set)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sink.messages == recorded == [b"a"]

    asyncio.run(body())


def test_a_delivery_that_does_not_end_is_given_up(
    tools: type[Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        sink = Sink()
        sink.gate.clear()
        task = asyncio.create_task(deliver_whole(sink, [b"a"]))
        await tools.eventually(lambda: sink.waiting > 0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sink.messages == []

    monkeypatch.setattr("relpio.inputs.base.GRACE", 0.05)
    asyncio.run(body())
