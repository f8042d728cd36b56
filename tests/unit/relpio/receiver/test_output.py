"""The output of a receiver: what counts as written, on files and on pipes."""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relpio import FileOutput

from ..doubles import Events

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools


def test_batches_of_one_turn_are_written_together_and_called_back_in_order(tmp_path: Path) -> None:
    async def main() -> None:
        done: list[int] = []
        with (tmp_path / "out").open("wb", buffering=0) as file:
            output = FileOutput(file.fileno(), Events())
            for number in range(5):
                output.submit(b"%d\n" % number, lambda number=number: done.append(number))  # type: ignore[misc]
            assert done == []
            await output.flushed()
            output.close()
        assert done == [0, 1, 2, 3, 4]
        assert (tmp_path / "out").read_bytes() == b"0\n1\n2\n3\n4\n"

    asyncio.run(main())


def test_a_pipe_is_filled_without_blocking_and_goes_on_when_it_is_read(tools: type[Tools]) -> None:
    async def main() -> None:
        reader, writer = os.pipe()
        data, written = os.urandom(300_000), list[bool]()
        output = FileOutput(writer, Events())
        output.submit(data, lambda: written.append(True))
        await tools.eventually(lambda: select.select([reader], [], [], 0)[0] != [])
        assert os.get_blocking(writer)
        assert written == []
        output.submit(b"end", lambda: written.append(True))
        got = b""
        while len(got) < len(data) + 3:
            got += await asyncio.to_thread(os.read, reader, 65536)
        await output.flushed()
        assert got == data + b"end"
        assert written == [True, True]
        output.close()
        os.close(reader)
        os.close(writer)

    asyncio.run(main())


def test_short_writes_and_errors_lose_and_repeat_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[[int, bytes], int] = os.write
    steps: list[int | OSError] = [
        3, OSError(28, "No space left"), 1, OSError(5, "I/O error"), OSError(5, "again"),
    ]  # fmt: skip
    script = iter(steps)

    def write(fd: int, data: bytes) -> int:
        step = next(script, None)
        if isinstance(step, OSError):
            raise step
        return real(fd, data[:step])

    async def main() -> None:
        log, done = Events(), list[bool]()
        monkeypatch.setattr("relpio.receiver.output.RETRY", 0.001)
        with (tmp_path / "out").open("wb", buffering=0) as file:
            output = FileOutput(file.fileno(), log)
            monkeypatch.setattr("relpio.receiver.output.os.write", write)
            output.submit(b"hello world\n", lambda: done.append(True))
            await output.flushed()
            output.close()
        assert done == [True]
        assert log.names() == ["output-error", "output-recovered"] * 2

    asyncio.run(main())
    assert (tmp_path / "out").read_bytes() == b"hello world\n"


def test_a_reader_that_leaves_breaks_the_output() -> None:
    async def main() -> None:
        reader, writer = os.pipe()
        output, done = FileOutput(writer, Events()), list[bool]()
        os.close(reader)
        output.submit(b"x", lambda: done.append(True))
        assert isinstance(await output.broken, BrokenPipeError)
        await output.flushed()
        assert done == []
        output.close()
        os.close(writer)

    asyncio.run(main())


def test_after_close_nothing_is_written(tmp_path: Path) -> None:
    async def main() -> None:
        with (tmp_path / "out").open("wb", buffering=0) as file:
            output = FileOutput(file.fileno(), Events())
            output.submit(b"x", lambda: None)
            output.close()
            await asyncio.sleep(0)
        assert (tmp_path / "out").read_bytes() == b""

    asyncio.run(main())
