"""The sender beyond one session: targets, workers, rebind, refusals, pace, and the end."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relpio import (
    BackoffPolicy,
    ClientSettings,
    ConfigurationError,
    MemoryQueue,
    Messages,
    Sender,
    SenderSettings,
    ServerConnection,
    SessionClosed,
    SessionLost,
)
from relpio.metrics.registry import Registry
from relpio.net.addresses import Address, TcpAddress, UnixAddress
from relpio.queue.settings import QueueSettings
from relpio.sender.deadletters import DeadLetterFile, DeadLetters

from ..doubles import QUICK, Events, numbered, run

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import RelpioProcess, Tools

Answer = Callable[[ServerConnection, bytes], None]


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


def test_a_unix_socket_is_a_target(tmp_path: Path) -> None:
    async def main() -> None:
        server = Server()
        async with server.at(tmp_path / "relp") as target, sending(target) as sender:
            await sender.put(numbered(100))
            await sender.drain()
        assert server.messages == numbered(100)

    run(main)


def test_the_next_target_takes_over_at_once(tools: type[Tools]) -> None:
    async def main() -> None:
        first, second, log = Server(), Server(), Events()
        dead = TcpAddress("127.0.0.1", tools.free_port())
        slow = BackoffPolicy(60.0, 60.0)  # so a back-off between two targets would be noticed
        async with (
            first.at() as one,
            second.at() as two,
            sending(dead, one, two, log=log, backoff=slow) as sender,
        ):
            await sender.put(numbered(10))
            await sender.drain()
            first.cut()
            await sender.put(numbered(5))
            await sender.drain()
        assert first.messages == numbered(10)
        assert second.messages == numbered(5)
        assert log.of("session-lost")[0]["reason"] == "connect-failed"
        assert log.of("backoff") == []

    run(main)


def test_after_the_last_target_comes_the_back_off(tools: type[Tools]) -> None:
    async def main() -> None:
        log = Events()
        dead = [TcpAddress("127.0.0.1", tools.free_port()) for _ in range(2)]
        async with sending(*dead, log=log):
            await tools.eventually(lambda: len(log.of("backoff")) >= 2)
        names = [name for name, _ in log.records if name in ("session-lost", "backoff")]
        assert names[:6] == ["session-lost", "session-lost", "backoff"] * 2

    run(main)


def test_it_goes_back_to_the_first_target_in_order(tools: type[Tools]) -> None:
    async def main() -> None:
        first, second, log = Server(), Server(), Events()
        port = tools.free_port()
        async with second.at() as two:
            targets = (TcpAddress("127.0.0.1", port), two)
            async with sending(*targets, log=log, fail_back=0.05) as sender:
                await sender.put([b"to the second"])
                await sender.drain()
                async with first.at(port):
                    await tools.eventually(lambda: first.now == 1)
                    await sender.put([b"to the first"])
                    await sender.drain()
        assert (second.messages, first.messages) == ([b"to the second"], [b"to the first"])
        assert log.of("fail-back")
        assert {event["reason"] for event in log.of("session-lost")} == {"connect-failed"}

    run(main)


def test_a_session_in_which_something_was_acknowledged_ends_the_doubling(
    tools: type[Tools],
) -> None:
    async def main() -> None:
        server, log = Server(), Events()
        async with server.at() as address, sending(address, log=log) as sender:
            for number in range(8):
                await sender.put([b"%d" % number])
                await tools.eventually(lambda: len(server.messages) > number)  # noqa: B023
                await tools.eventually(lambda: not sender.unacknowledged)
                server.cut()
                await tools.eventually(lambda: len(log.of("backoff")) > number)  # noqa: B023
        longest = max(each["seconds"] for each in log.of("backoff"))
        assert longest <= QUICK.first, "each loss came after a success"

    run(main)


def test_an_attempt_to_connect_has_its_time(
    tools: type[Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(host: str, port: int) -> list[tuple[str, int]]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr("relpio.sender.worker.resolve", never)

    async def main() -> None:
        log = Events()
        async with sending(TcpAddress("silent", 1), log=log, connect_timeout=0.05):
            await tools.eventually(lambda: bool(log.of("session-lost")), 5)
        assert log.of("session-lost")[0]["detail"] == "no connection within 0.05 s"

    run(main)


def test_a_session_is_made_anew_after_so_many_messages() -> None:
    async def main() -> None:
        server, log = Server(), Events()
        async with (
            server.at() as target,
            sending(target, log=log, rebind_interval=7) as sender,
        ):
            await sender.put(numbered(30))
            await sender.drain()
        assert server.messages == numbered(30)
        assert [len(session) for session in server.sessions if session] == [7, 7, 7, 7, 2]
        assert log.of("session-lost") == []

    run(main)


def test_workers_share_a_queue_and_each_has_its_session(tools: type[Tools]) -> None:
    async def main() -> None:
        held = list[ServerConnection]()
        server, log = Server(lambda core, _: held.append(core)), Events()
        policy = QueueSettings(
            size=1000, worker_threads=3, worker_thread_minimum_messages=10,
            timeout_worker_thread_shutdown=0.2,
        )  # fmt: skip
        queue = MemoryQueue(1000)
        async with (
            server.at() as target,
            sending(
                target, log=log, dequeue=policy, queue=queue, session=ClientSettings(window=4)
            ) as sender,
        ):
            await sender.put(numbered(100))
            await tools.eventually(lambda: server.now == 3 and len(held) == 12)
            assert sender.unacknowledged == 12  # the window of each, and no more
            server.answer = None
            server.cut()  # all that was in flight must come again
            await sender.drain()
            assert sorted(server.messages) == sorted(numbered(100))
            assert sender.resent == 12
            await tools.eventually(lambda: sender.sessions == 1)  # the others had nothing to do
        assert {event["worker"] for event in log.of("session-open")} >= {1, 2, 3}

    run(main)


def test_refused_for_good_means_dead_letters(tmp_path: Path) -> None:
    path, bad = tmp_path / "dead", b"\xff\0bad"

    async def main() -> None:
        taken: list[bytes] = []

        def answer(core: ServerConnection, message: bytes) -> None:
            if b"bad" in message:
                core.refuse("no such tenant")
            else:
                taken.append(message)
                core.acknowledge(1)

        server, log = Server(answer), Events()
        messages = [b"a", bad, b"b", b"bad, too", b"c"]
        async with (
            server.at() as target,
            sending(target, log=log, nack_retries=2, dead_letters=path) as sender,
        ):
            await sender.put(messages)
            await sender.drain()
            assert (sender.acked, sender.dead, sender.refused) == (3, 2, 6)
        assert sorted(taken) == [b"a", b"b", b"c"]
        assert sum(event["count"] for event in log.of("dead-letter")) == 2

    run(main)
    letters = [json.loads(line) for line in path.read_text().splitlines()]
    found = {
        base64.b64decode(each["message_base64"]) if "message_base64" in each
        else each["message"].encode()
        for each in letters
    }  # fmt: skip
    assert found == {bad, b"bad, too"}
    assert {(each["code"], each["text"]) for each in letters} == {(500, "no such tenant")}


def test_a_dead_letter_leaves_the_queue_only_when_it_is_written(
    tmp_path: Path, tools: type[Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relpio.sender.deadletters.RETRY", 0.01)

    async def main() -> None:
        queue, log = MemoryQueue(10), Events()
        queue.put([b"a", b"b"])
        queue.lease(2)
        sync, broken = os.fdatasync, True

        def fail(fd: int) -> None:
            if broken:
                raise OSError(28, "No space left on device")
            sync(fd)

        monkeypatch.setattr("os.fdatasync", fail)
        letters = DeadLetters(tmp_path / "dead", queue, log)
        letters.take(1, b"a", 500, "x")
        await tools.eventually(lambda: bool(log.of("dead-letter-error")))
        assert len(queue) == 2
        assert (tmp_path / "dead").read_bytes() == b""  # no half of a line, no line twice
        broken = False
        await tools.eventually(lambda: len(queue) == 1)
        broken = True
        letters.take(2, b"b", 500, "x")
        await letters.close(0.05)
        assert queue.ready == 1  # given back
        assert len((tmp_path / "dead").read_text().splitlines()) == 1

    run(main)


def test_a_torn_dead_letter_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "dead"
    path.write_bytes(b'{"t": 1}\n{"t": ')
    file = DeadLetterFile(path)
    file.append([b"{}\n"])
    file.close()
    assert path.read_bytes() == b'{"t": 1}\n{"t": \n{}\n'


def test_batches_pauses_and_least_sizes(tools: type[Tools]) -> None:
    async def main() -> None:
        server = Server()
        policy = QueueSettings(
            size=100, dequeue_batch_size=5, min_dequeue_batch_size=4, timeout_min_batch=0.2,
            dequeue_slow_down=0.02,
        )  # fmt: skip
        loop = asyncio.get_running_loop()
        async with server.at() as target, sending(target, dequeue=policy) as sender:
            await tools.eventually(lambda: sender.sessions == 1)
            start = loop.time()
            await sender.put(numbered(2))
            await sender.drain()
            assert loop.time() - start >= 0.15  # too few, so it waited for more
            start = loop.time()
            await sender.put(numbered(20))
            await sender.drain()
            assert loop.time() - start >= 3 * 0.02  # four batches, a pause after each
        assert server.messages == numbered(2) + numbered(20)

    run(main)


def test_closing_waits_for_answers_to_what_was_sent(tools: type[Tools]) -> None:
    async def main() -> None:
        held = list[ServerConnection]()
        server, log = Server(lambda core, _: held.append(core)), Events()
        queue = MemoryQueue(100)
        async with server.at() as target:
            session = ClientSettings(window=3)
            sender = sending(target, log=log, queue=queue, session=session)
            async with sender:
                await sender.put(numbered(10))
                await tools.eventually(lambda: len(held) == 3)
                closing = asyncio.create_task(sender.close(20.0))
                await asyncio.sleep(0)
                held[0].acknowledge(3)
                for writer in server._writers:
                    writer.write(held[0].data_to_send())
                await closing
        assert sender.acked == 3
        assert queue.ready == 7  # nothing new was sent
        assert [event["detail"] for event in log.of("session-closed")] == ["closed in order"]

    run(main)


def test_figures_are_registered() -> None:
    async def main() -> None:
        server, registry = Server(), Registry()
        async with server.at() as target, sending(target) as sender:
            sender.register(registry)
            await sender.put(numbered(3))
            await sender.drain()
            figures = {family.name: family.samples[0].value for family in registry.collect()}
        assert figures["relpio_sender_acks_total"] == 3
        assert figures["relpio_sender_sessions"] == 1

    run(main)


def test_what_is_put_goes_by_the_marks_of_the_queue() -> None:
    async def main() -> None:
        dequeue = QueueSettings(
            size=10, discard_mark=2, discard_severity=5,
            full_delay_mark=0, light_delay_mark=0, timeout_enqueue=0.0,
        )  # fmt: skip
        settings = SenderSettings(targets=AT_A, backoff=QUICK, dequeue=dequeue)
        async with Sender(settings, queue=MemoryQueue(10)) as sender:
            await sender.put([b"<14>info", b"<14>info"])
            offered = await sender.put([b"<14>dropped", b"<11>error"])
            assert (offered.accepted, offered.discarded) == (1, [0])
            assert sender.accepted == 3

    asyncio.run(main())


AT_A = [TcpAddress("a", 1)]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"targets": []}, "at least one target"),
        ({"targets": AT_A, "nack_retries": 1}, "dead letters"),
        (
            {"targets": AT_A, "nack_retries": -1, "dead_letters": Path("x")},
            "below 0",
        ),
        ({"targets": AT_A, "rebind_interval": 0}, "at least 1"),
        ({"targets": AT_A, "fail_back": 0.0}, "above 0"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        SenderSettings(**settings)


Start = Callable[..., "RelpioProcess"]


def test_a_black_hole_costs_seconds_and_no_message(
    relpio: Start, tmp_path: Path, tools: type[Tools]
) -> None:
    disk = ["--queue-type", "disk", "--queue-spool-directory", str(tmp_path), "--queue-filename",
            "spool"]  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as hole:  # the kernel accepts, nobody answers
        target = f"127.0.0.1:{hole.getsockname()[1]}"
        sender = relpio(
            "send", "--target", target, *disk, "--shutdown-timeout", "0.5", stdin=subprocess.PIPE
        )
        sender.feed(b"".join(message + b"\n" for message in numbered(200)), end=False)
        ledger_or_queue = tmp_path / "spool"
        tools.wait_until(ledger_or_queue.is_dir)
        sender.wait_event("connected")
        assert sender.terminate() == 0  # all is on disk
        kept = sender.events("kept")
    output = tmp_path / "out"
    receiver = relpio("receive", "--listen", "127.0.0.1:0", "--output", str(output))
    port = receiver.wait_event("listening")["port"]
    again = relpio("send", "--target", f"127.0.0.1:{port}", *disk, stdin=subprocess.DEVNULL)
    assert again.wait() == 0
    lines = output.read_bytes().splitlines()
    assert kept[0]["count"] == len(lines) > 0
    assert lines == numbered(200)[: len(lines)]


@pytest.mark.parametrize("mode", ["truncate", "accept", "abort"])
def test_a_line_that_is_too_long(relpio: Start, tmp_path: Path, mode: str) -> None:
    output, source = tmp_path / "out", tmp_path / "in"
    source.write_bytes(b"a\n" + b"x" * 200_000 + b"\nb\n" + b"y" * 101)
    receiver = relpio("receive", "--listen", "127.0.0.1:0", "--output", str(output),
                      "--max-message-size", "300k")  # fmt: skip
    port = receiver.wait_event("listening")["port"]
    sender = relpio("send", "--target", f"127.0.0.1:{port}", "--max-message-size", "100",
                    "--oversize", mode, str(source))  # fmt: skip
    assert sender.wait() == (2 if mode == "abort" else 0)
    assert (
        output.read_bytes()
        == {
            "abort": b"a\n",
            "truncate": b"a\n" + b"x" * 100 + b"\nb\n" + b"y" * 100 + b"\n",
            "accept": source.read_bytes() + b"\n",
        }[mode]
    )
    assert len(sender.events("truncated")) == (mode == "truncate")


def test_the_ledger_tells_of_dead_letters(relpio: Start, tmp_path: Path) -> None:
    ledger, dead = tmp_path / "ledger", tmp_path / "dead"
    port: list[int] = []

    async def main() -> None:
        def answer(core: ServerConnection, message: bytes) -> None:
            core.refuse("no") if message == b"two" else core.acknowledge(1)

        async with Server(answer).at() as target:
            assert isinstance(target, TcpAddress)
            port.append(target.port)
            sender = relpio(
                "send", "--target", str(target), "--ledger", str(ledger), "--nack-retries", "0",
                "--dead-letters", str(dead), stdin=subprocess.PIPE,
            )  # fmt: skip
            sender.feed(b"one\ntwo\nthree\n")
            assert await asyncio.to_thread(sender.wait) == 0

    run(main)
    assert sorted(ledger.read_text().splitlines()) == [
        "accepted 1-3", "acked 1", "acked 3", "dead-letter 2",
    ]  # fmt: skip
    assert json.loads(dead.read_text())["message"] == "two"
