"""When a program can work."""

import asyncio
import contextlib
import gc
from pathlib import Path

import pytest

from halfopen.errors import LabError
from halfopen.labs.agent import line_search
from halfopen.labs.agent.readiness import Watch
from halfopen.model.program import Ready


async def append(file: Path, *pieces: str) -> None:
    for piece in pieces:
        await asyncio.sleep(0.1)
        with file.open("a") as stream:
            stream.write(piece)


def test_a_line_is_found_when_it_is_whole_and_not_before_the_start(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("ready 1\n")

    async def play() -> None:
        watch = Watch(Ready(line=r"^ready \d$"), "host", log)
        waiting = asyncio.create_task(watch.wait())
        await asyncio.sleep(0.3)
        assert not waiting.done()  # that line was said before
        await append(log, "not ready 2\nrea", "dy 3\nmore\n")
        await asyncio.wait_for(waiting, 10)

    asyncio.run(play())


def test_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    async def play() -> None:
        watch = Watch(Ready(line="up", file=str(tmp_path / "out")), "host", tmp_path / "log")
        await asyncio.gather(asyncio.wait_for(watch.wait(), 10), append(tmp_path / "out", "up"))

    asyncio.run(play())


def test_an_expression_that_explodes_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "line_search.py"
    text = Path(line_search.__file__).read_text()
    program.write_text(text.replace("CPU_S = 5", "CPU_S = 1"))
    monkeypatch.setattr(line_search, "__file__", str(program))
    log = tmp_path / "log"

    async def play() -> None:
        watch = Watch(Ready(line="(a+)+$"), "host", log)
        log.write_text("a" * 40 + "!\n")
        with pytest.raises(LabError, match="write a simpler regular expression"):
            await asyncio.wait_for(watch.wait(), 30)

    asyncio.run(play())


def searching(file: Path) -> bool:
    """Whether a process looks for a line in `file`."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(str(file).encode() in each.read_bytes())
    return any(found)


def test_nobody_searches_on_when_the_start_is_given_up(tmp_path: Path) -> None:
    log = tmp_path / "log"

    async def play() -> None:
        waiting = asyncio.create_task(Watch(Ready(line="never"), "host", log).wait())
        while not searching(log):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.wait({waiting})
        while searching(log):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(play(), 20))
    gc.collect()  # a process that nobody has waited for is told of here, not in a later test
