"""The output that feeds a program: what counts, and what comes again."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relpio import ConfigurationError
from relpio.receiver.program import ProgramOutput

from ..doubles import Events

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relpio.receiver.program.FIRST_PAUSE", 0.01)


def script(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "program.py"
    path.write_text(f"import sys, os\nout = open({str(tmp_path / 'out')!r}, 'a')\n{text}")
    return [sys.executable, "-S", str(path)]


def test_everything_arrives_and_the_program_ends_with_its_input(tmp_path: Path) -> None:
    async def main() -> None:
        done: list[int] = []
        command = script(tmp_path, "for line in sys.stdin: out.write(line)\nout.write('end')\n")
        output = ProgramOutput(command, Events())
        output.start()
        for number in range(1000):
            line = b"%d %s\n" % (number, b"x" * 200)  # more than a pipe holds
            output.submit(line, lambda number=number: done.append(number))  # type: ignore[misc]
        await output.flushed()
        assert done == list(range(1000))
        await output.stop(10.0)
        assert output.starts == 1

    asyncio.run(main())
    lines = (tmp_path / "out").read_text().splitlines()
    assert [line.split()[0] for line in lines] == [*map(str, range(1000)), "end"]


def test_a_program_that_dies_is_started_again(tmp_path: Path, tools: type[Tools]) -> None:
    text = "out.write(sys.stdin.readline())\nout.close()\nsys.exit(3)\n"

    async def main() -> None:
        log, done = Events(), list[int]()
        output = ProgramOutput(script(tmp_path, text), log)
        output.start()
        for number in range(3):
            line = b"%d\n" % number
            output.submit(line, lambda number=number: done.append(number))  # type: ignore[misc]
            await tools.eventually(lambda number=number: output.starts == number + 2)  # type: ignore[misc]
        assert done == [0, 1, 2]
        assert "it ended with status 3" in log.records[0][1]["detail"]
        await output.stop(10.0)

    asyncio.run(main())
    assert (tmp_path / "out").read_text() == "0\n1\n2\n"


def test_with_confirmation_only_what_is_confirmed_counts(
    tmp_path: Path, tools: type[Tools]
) -> None:
    # Each life of the program confirms two messages, takes a third and dies.
    text = (
        "print('OK', flush=True)\n"
        "for at, line in enumerate(sys.stdin):\n"
        "    if at == 2: sys.exit()\n"
        "    out.write(line); out.flush()\n"
        "    print('OK', flush=True)\n"
    )

    async def main() -> None:
        log, done = Events(), list[int]()
        output = ProgramOutput(script(tmp_path, text), log, confirm=True)
        output.start()
        for number in range(5):
            lines = b"%da\n%db\n" % (number, number) if number == 1 else b"%d\n" % number
            output.submit(lines, lambda number=number: done.append(number))  # type: ignore[misc]
        await output.flushed()
        assert done == [0, 1, 2, 3, 4]
        assert output.starts == 3
        await output.stop(10.0)

    asyncio.run(main())
    assert (tmp_path / "out").read_text() == "0\n1a\n1b\n2\n3\n4\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("print('no such table', flush=True)\nsys.stdin.read()", "it answered b'no such table"),
        ("print('x' * 100_000, flush=True)\nsys.stdin.read()", "more than 4096"),
        ("print('OK\\nOK\\n', flush=True)\nsys.stdin.read()", "that it was not given"),
        ("os.close(1)\nsys.stdin.read()", "closed its standard output"),
    ],
)
def test_answers_that_are_none_start_it_again(
    tmp_path: Path, tools: type[Tools], text: str, words: str
) -> None:
    async def main() -> None:
        log = Events()
        output = ProgramOutput(script(tmp_path, text), log, confirm=True)
        output.start()
        await tools.eventually(lambda: output.starts >= 2)
        await output.stop(0.5)
        assert words in log.records[0][1]["detail"]

    asyncio.run(main())


def test_a_program_that_is_not_there_is_tried_again(tools: type[Tools]) -> None:
    async def main() -> None:
        log = Events()
        output = ProgramOutput(["/no/such/program"], log)
        output.start()
        output.submit(b"a\n", lambda: None)
        await tools.eventually(lambda: len(log.names()) >= 2)
        assert set(log.names()) == {"output-error"}
        assert "/no/such/program" in log.records[0][1]["detail"]
        assert output.failing
        assert output.errors >= 2
        await output.stop(1.0)

    asyncio.run(main())


def test_a_program_that_does_not_end_is_ended(tmp_path: Path, tools: type[Tools]) -> None:
    text = (
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "out.write('up'); out.flush()\nsignal.pause()\n"
    )

    async def main() -> None:
        output = ProgramOutput(script(tmp_path, text), Events())
        output.start()
        await tools.eventually(
            lambda: (tmp_path / "out").exists() and (tmp_path / "out").read_text() == "up"
        )
        await output.stop(0.05)
        assert output._process is not None
        assert output._process.returncode == -9

    asyncio.run(main())


def test_no_program() -> None:
    async def main() -> None:
        with pytest.raises(ConfigurationError):
            ProgramOutput([], Events())

    asyncio.run(main())
