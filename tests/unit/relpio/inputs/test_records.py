"""Records of several lines: where they begin and end, however the file grows."""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio.command.main import main
from relpio.errors import InputError
from relpio.inputs.records import RecordJoiner, RecordRule
from relpio.inputs.streams import StreamInput

from ..doubles import run
from .follower import CrashError, Follower, append, copy_and_truncate

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools

START = re.compile(rb"^\d")
AT_ONCE = RecordRule(START, timeout=0.0)
LATER = RecordRule(START, timeout=1000.0)

TRACE = b"1 error\n  at a\n  at b\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def test_a_record_is_complete_when_the_next_one_begins(path: Path) -> None:
    follower = Follower(path, records=LATER)
    append(path, TRACE)
    assert follower.read() == []
    append(path, b"  at c\n2 fine\n3")
    assert follower.read() == [b"1 error\n  at a\n  at b\n  at c"]
    append(path, b" fine\n")
    assert follower.read() == [b"2 fine"]


def test_a_quiet_file_ends_its_last_record_but_not_a_line_without_lf(path: Path) -> None:
    follower = Follower(path, records=AT_ONCE)
    append(path, TRACE + b"  at")
    assert follower.read() == [b"1 error\n  at a\n  at b"]
    append(path, b" c\n2 fine\n")
    assert follower.read() == [b"  at c", b"2 fine"]


def test_a_record_that_was_not_complete_is_read_again_after_a_restart(path: Path) -> None:
    follower = Follower(path, records=LATER)
    append(path, b"0 first\n" + TRACE)
    assert follower.read() == [b"0 first"]
    follower.restart()
    append(path, b"2\n")
    assert follower.read() == [TRACE[:-1]]


def test_a_crash_repeats_records_as_a_whole(path: Path) -> None:
    follower = Follower(path, records=LATER)
    append(path, TRACE + b"2\n")
    follower.crash = True
    with pytest.raises(CrashError):
        follower.read()
    follower.crash = False
    follower.restart()
    assert follower.read() == [TRACE[:-1]]


def test_rotation_ends_a_record(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relpio.inputs.followed.LINGER", 0.0)
    follower = Follower(path, records=LATER)
    append(path, TRACE)
    follower.read()
    path.rename(path.with_name("app.log.1"))
    append(path, b"2\n3\n")
    assert follower.read() == [TRACE[:-1], b"2"]
    copy_and_truncate(path, "app.log.2")
    append(path, b"4 a line that is longer\n")
    assert b"3" in follower.read()


def test_a_record_without_an_end_comes_in_parts(path: Path) -> None:
    follower = Follower(path, max_line=10, records=LATER)
    append(path, b"1 start\n" + b"more\n" * 4)
    assert follower.read() == [b"1 start\nmo", b"re\nmore\nmo", b"re\nmore"]
    append(path, b"x" * 25 + b"\n2\n3\n")
    assert follower.read() == [b"x" * 10, b"x" * 10, b"x" * 5, b"2"]


LINES = st.lists(st.sampled_from([b"1 a", b"2 bc", b" more", b"", b"x"]), max_size=30)


@given(LINES, st.integers(0, 2**32))
def test_pieces_make_the_same_records_as_the_whole(lines: list[bytes], seed: int) -> None:
    data = b"".join(line + b"\n" for line in lines)
    expected: list[bytes] = []
    for line in lines:
        if expected and not START.search(line):
            expected[-1] += b"\n" + line
        else:
            expected.append(line)
    chance, rest, found = random.Random(seed), b"", []
    while data:
        cut = chance.randint(1, len(data))
        rest, data = rest + data[:cut], data[cut:]
        records, size = LATER.complete(rest)
        found += records
        rest = rest[size:]
    records, size = LATER.all(rest)
    assert [*found, *records] == expected
    assert size == len(rest)


def test_what_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "relpio.toml"
    config.write_text('[send]\ntarget = "localhost:1"\nrecord-start = "(a"\n')
    assert main(["check-config", str(config)]) == 2
    said = capsys.readouterr().err
    assert f"{config}:3: [send] record-start: '(a' is not a regular expression: " in said
    assert "at character 1" in said
    listens = 'record-start = "^a"\nlisten-udp = "localhost:1"\n'
    config.write_text(f'[send]\ntarget = "localhost:1"\n{listens}')
    assert main(["check-config", str(config)]) == 2
    said = capsys.readouterr().err
    assert "--record-start has no effect without --follow, files or standard input" in said
    config.write_text('[send]\ntarget = "localhost:1"\nrecord-start = "^a"\n')
    assert main(["check-config", str(config)]) == 0


@given(LINES, st.integers(0, 2**32))
def test_lines_of_a_stream_make_the_records_that_a_file_makes(
    lines: list[bytes], seed: int
) -> None:
    chance, joiner = random.Random(seed), RecordJoiner(LATER, 1000)
    expected, _ = LATER.all(b"".join(line + b"\n" for line in lines))
    found: list[bytes] = []
    while lines:
        count = chance.randint(1, len(lines))
        found += joiner.feed(lines[:count])
        lines = lines[count:]
    assert [*found, *joiner.finish()] == expected
    assert not joiner.unfinished


class Piped:
    """A stream input at the end of a pipe, and what it delivered."""

    def __init__(self, rule: RecordRule, max_line: int = 100) -> None:
        reader, self.writer = os.pipe()
        self.input = StreamInput([("pipe", reader)], max_line, records=rule)
        self.delivered: list[bytes] = []
        self.task = asyncio.create_task(self.input.run(self.deliver))

    async def deliver(self, messages: Sequence[bytes]) -> None:
        self.delivered += messages

    def write(self, data: bytes) -> None:
        os.write(self.writer, data)

    def end(self) -> None:
        os.close(self.writer)


def test_records_of_a_pipe_end_with_the_next_one_and_with_the_pipe(tools: type[Tools]) -> None:
    async def work() -> None:
        piped = Piped(LATER)
        piped.write(TRACE)
        piped.write(b"  at c\n2 fi")
        await asyncio.sleep(0.05)
        assert piped.delivered == []
        piped.write(b"ne\n3")
        await tools.eventually(lambda: piped.delivered == [TRACE + b"  at c"])
        piped.write(b"\n  at d")
        piped.end()
        await piped.task
        assert piped.delivered == [TRACE + b"  at c", b"2 fine", b"3\n  at d"]
        assert piped.input.received == 3

    run(work)


def test_a_quiet_pipe_ends_a_record(tools: type[Tools]) -> None:
    async def work() -> None:
        piped = Piped(RecordRule(START, timeout=0.01))
        piped.write(TRACE + b"  at")
        await tools.eventually(lambda: piped.delivered == [TRACE[:-1]])
        piped.write(b" c\n2\n")
        await tools.eventually(lambda: piped.delivered == [TRACE[:-1], b"  at c", b"2"])
        piped.end()
        await piped.task

    run(work)


def test_a_stop_delivers_the_record_that_was_read(tools: type[Tools]) -> None:
    async def work() -> None:
        piped = Piped(LATER)
        piped.write(b"1\n" + TRACE)
        await tools.eventually(lambda: piped.delivered == [b"1"])
        piped.task.cancel()
        await asyncio.wait([piped.task])
        assert piped.task.cancelled()
        assert piped.delivered == [b"1", TRACE[:-1]]
        piped.end()

    run(work)


def test_a_long_record_of_a_pipe_comes_in_parts_and_a_long_line_is_an_error() -> None:
    async def work() -> None:
        piped = Piped(LATER, max_line=10)
        piped.write(b"1 start\nab\ncd\n" + b"x" * 11 + b"\n")
        with pytest.raises(InputError, match="line 4 is longer than 10 bytes"):
            await piped.task
        assert piped.delivered == [b"1 start\nab", b"cd"]
        piped.end()

    run(work)
