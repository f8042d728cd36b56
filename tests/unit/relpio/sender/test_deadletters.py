"""Messages that are refused for good, and the file they go to."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relpio import (
    MemoryQueue,
    ServerConnection,
)
from relpio.net.addresses import TcpAddress
from relpio.sender.deadletters import DeadLetterFile, DeadLetters

from ..doubles import Events, run
from .peer import Server, sending

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import RelpioProcess, Tools

Start = Callable[..., "RelpioProcess"]


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
