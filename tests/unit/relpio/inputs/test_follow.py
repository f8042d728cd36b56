"""Followed files: growth, rotation in all its forms, restarts and crashes; nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relpio.errors import ConfigurationError
from relpio.inputs import followed, tail
from relpio.inputs.follow import FollowInput
from relpio.inputs.position import FilePosition
from relpio.inputs.statefile import StateFile
from relpio.logs import no_log

from .follower import CrashError, Follower, append, copy_and_truncate

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


@pytest.fixture
def follower(path: Path) -> Follower:
    return Follower(path)


LONG = b"a first line that is long enough to tell this file from another one\n"


def test_lines_as_they_come(path: Path, follower: Follower) -> None:
    assert follower.read() == []
    append(path, b"one\n\ntw")
    assert follower.read() == [b"one", b""]
    append(path, b"o\nthree\n")
    assert follower.read() == [b"two", b"three"]
    assert follower.read() == []
    assert follower.names() == ["follow-waiting", "follow-open"]


def test_a_restart_goes_on_where_it_was(path: Path, follower: Follower) -> None:
    append(path, b"one\ntwo\nhal")
    assert follower.read() == [b"one", b"two"]
    follower.restart()
    assert follower.read() == []
    append(path, b"f\n")
    follower.restart()
    assert follower.read() == [b"half"]


def test_a_crash_repeats_one_batch(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "CHUNK", 16)
    lines = [b"line %d" % number for number in range(20)]
    append(path, b"\n".join(lines) + b"\n")
    follower = Follower(path)
    follower.crash = True
    for crashes in range(3):
        with pytest.raises(CrashError):
            follower.read()
        assert len(follower.batches) == crashes + 1
        follower.restart()
    follower.crash = False
    follower.read()
    first = follower.batches[0]
    assert follower.messages == first * 3 + lines
    assert 1 <= len(first) <= 2


@pytest.mark.parametrize("meanwhile", ["running", "stopped"])
@pytest.mark.parametrize("new", ["app.log.1", "app-20261121.log", "app.log-20261121", "elsewhere"])
def test_rename_and_create(path: Path, follower: Follower, meanwhile: str, new: str) -> None:
    append(path, b"one\n")
    assert follower.read() == [b"one"]
    if meanwhile == "stopped":
        follower.stop()
    append(path, b"two\n")
    path.rename(path.with_name(new))
    append(path, b"three\n")
    append(path.with_name(new), b"late\n")  # by a writer who has not heard of it
    if meanwhile == "stopped":
        follower.start()
    assert follower.read() == [b"two", b"late", b"three"]
    append(path.with_name(new), b"later\n")
    follower.restart()
    assert follower.read() == [b"later"]


def test_several_rotations_between_two_looks(path: Path, follower: Follower) -> None:
    append(path, b"one\n")
    assert follower.read() == [b"one"]
    for turn in range(3):
        append(path, b"turn %d\n" % turn)
        for number in (2, 1):
            old = path.with_name(f"app.log.{number}")
            if old.exists():
                old.rename(path.with_name(f"app.log.{number + 1}"))
        path.rename(path.with_name("app.log.1"))
        # As if some time had passed: the kernel's clock for files ticks every few milliseconds.
        for age, number in enumerate((1, 2, 3)):
            if (old := path.with_name(f"app.log.{number}")).exists():
                os.utime(old, (2_000_000_000 - age, 2_000_000_000 - age))
    append(path, b"now\n")
    append(path.with_name("app.log-errors"), b"another log\n")
    append(path.with_name("app.log.4.gz"), b"compressed\n")
    assert follower.read() == [b"turn 0", b"turn 1", b"turn 2", b"now"]


@pytest.mark.parametrize("meanwhile", ["running", "stopped"])
@pytest.mark.parametrize("again", [b"", b"short\n", LONG.replace(b"first", b"other") * 9])
def test_copytruncate(path: Path, follower: Follower, meanwhile: str, again: bytes) -> None:
    append(path, LONG)
    assert follower.read() == [LONG[:-1]]
    append(path, b"unread\nno LF")
    if meanwhile == "stopped":
        follower.stop()
    copy_and_truncate(path)
    append(path, again)
    if meanwhile == "stopped":
        follower.start()
    assert follower.read() == [b"unread", *again.splitlines()]
    append(path, b"after\n")
    assert follower.read() == [b"after"]
    follower.restart()
    assert follower.read() == []


def test_a_file_that_was_truncated_and_then_renamed_comes_before_its_successors(
    path: Path, follower: Follower
) -> None:
    append(path, LONG)
    assert follower.read() == [LONG[:-1]]
    copy_and_truncate(path, "app.log.3")
    for age, (number, line) in enumerate(((2, b"one\n"), (1, b"two\n"))):
        append(path, line)
        path.rename(path.with_name(f"app.log.{number}"))
        os.utime(path.with_name(f"app.log.{number}"), (2_000_000_000 + age, 2_000_000_000 + age))
    # With nothing at the path yet, what came after the truncated file is not to be told of.
    assert follower.read() == [b"one"]
    append(path, b"three\n")
    assert follower.read() == [b"two", b"three"]


def test_a_truncated_file_without_a_copy_is_read_from_its_start(
    path: Path, follower: Follower
) -> None:
    append(path, LONG + b"the start of a li")
    assert follower.read() == [LONG[:-1]]
    path.write_bytes(b"new\n")
    assert follower.read() == [b"the start of a li", b"new"]
    assert ("follow-truncated", False) in [(n, f.get("copied")) for n, f in follower.events]


def test_an_inode_that_is_used_again_is_another_file(path: Path, follower: Follower) -> None:
    append(path, b"one line\n")
    assert follower.read() == [b"one line"]
    follower.stop()
    # What a file system does when it gives the inode of a removed file to the next one.
    path.write_bytes(b"other contents, and longer\n")
    follower.start()
    assert follower.read() == [b"other contents, and longer"]
    assert "follow-missing" in follower.names()


def test_a_file_that_vanishes_and_comes_back(
    path: Path, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(path, b"one\nhalf")
    assert follower.read() == [b"one"]
    with path.open("ab") as writer:
        path.unlink()
        writer.write(b" a line\n")
        writer.flush()
        assert follower.read() == [b"half a line"]
        writer.write(b"end")
    monkeypatch.setattr(followed, "LINGER", 0.0)
    assert follower.read() == [b"end"]
    assert follower.names()[-2:] == ["follow-waiting", "follow-close"]
    append(path, b"one\n")
    assert follower.read() == [b"one"]


def test_a_rotated_file_is_closed_when_it_is_quiet(
    path: Path, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed, "LINGER", 0.0)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for turn in range(40):
        append(path, b"%d\nend %d" % (turn, turn))
        expected = [b"%d" % turn]
        assert follower.read() == ([b"end %d" % (turn - 1), *expected] if turn else expected) or (
            follower.messages[-2:] == [b"%d" % turn, b"end %d" % (turn - 1)]
        )
        path.rename(path.with_name(f"app.log.{turn}"))
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2
    assert len(follower.state.positions(str(path))) <= 2


def test_a_rotated_file_that_was_compressed_is_reported_and_later_ones_are_read(
    path: Path, follower: Follower
) -> None:
    append(path, b"one\n")
    follower.read()
    follower.stop()
    path.rename(path.with_name("app.log.2.gz"))
    os.truncate(path.with_name("app.log.2.gz"), 0)
    append(path.with_name("app.log.1"), b"two\n")
    append(path, b"three\n")
    follower.start()
    assert follower.read() == [b"two", b"three"]
    assert [fields["offset"] for name, fields in follower.events if name == "follow-missing"] == [4]


def test_long_lines_come_in_pieces_and_hold_no_memory(path: Path) -> None:
    follower = Follower(path, max_line=10)
    append(path, b"0123456789abcdefghij!\nshort\n")
    assert follower.read() == [b"0123456789", b"abcdefghij", b"!", b"short"]
    append(path, b"x" * 1_000_000)
    assert follower.read() == [b"x" * 10] * 99_999
    follower.restart()
    append(path, b"y\n")
    assert follower.read() == [b"x" * 10, b"y"]


def test_what_is_no_regular_file_is_not_waited_for(path: Path, follower: Follower) -> None:
    os.mkfifo(path)
    assert follower.read() == []
    assert follower.events[-1][0] == "follow-waiting"
    assert "not a regular file" in str(follower.events[-1][1]["detail"])


def test_the_state_file_is_for_one_program(path: Path, follower: Follower) -> None:
    with pytest.raises(ConfigurationError, match="in use by another process"):
        StateFile(follower.state_path, follower.log)
    follower.restart()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"version": 2, "files": {}}',
     '{"version": 1, "files": {"a": [{"device": 1}]}}',
     '{"version": 1, "files": {"a": [{"device":1,"inode":-1,"offset":0,"head":0,"crc":0}]}}',
     "[" * 100_000, "\ud800"],
)  # fmt: skip
def test_a_damaged_state_file_is_set_aside(path: Path, text: str) -> None:
    append(path, b"one\n")
    state = path.with_name("state")
    state.write_bytes(text.encode("utf-8", "surrogatepass"))
    follower = Follower(path)
    assert follower.names() == ["state-damaged"]
    aside = Path(str(follower.events[0][1]["set_aside"]))
    assert aside.read_bytes() == text.encode("utf-8", "surrogatepass")
    assert follower.read() == [b"one"]
    follower.restart()
    assert follower.read() == []


def test_a_state_that_cannot_be_written_is_told_once_and_stops_nothing(
    path: Path, follower: Follower
) -> None:
    block = path.with_name("state.new")
    block.mkdir()
    append(path, b"one\n")
    assert follower.read() == [b"one"]
    append(path, b"two\n")
    assert follower.read() == [b"two"]
    assert follower.names().count("state-error") == 1
    block.rmdir()
    append(path, b"three\n")
    assert follower.read() == [b"three"]
    assert json.loads(follower.state_path.read_text())["files"][str(path)][0]["offset"] == 14


def test_states_recorded_together_are_written_together(tmp_path: Path) -> None:
    async def body() -> None:
        state = StateFile(tmp_path / "state", no_log)
        await asyncio.gather(*(state.record(f"f{n}", (FilePosition(1, n),)) for n in range(50)))
        state.close()
        again = StateFile(tmp_path / "state", no_log)
        assert all(again.positions(f"f{n}") == (FilePosition(1, n),) for n in range(50))
        again.close()

    asyncio.run(body())


# The input as a whole


def run(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(body())


def test_several_files_and_a_stop_in_order(tools: type[Tools], tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b")]
    got: list[bytes] = []
    offered: list[bytes] = []
    gate = asyncio.Event()

    async def deliver(messages: Sequence[bytes]) -> None:
        offered.extend(messages)
        await gate.wait()
        got.extend(messages)

    def start() -> tuple[FollowInput, asyncio.Task[None]]:
        source = FollowInput(
            [*paths, paths[0]],
            tmp_path / "state",
            max_line=100,
            log=no_log,
        )
        return source, asyncio.create_task(source.run(deliver))

    async def body() -> None:
        gate.set()
        source, task = start()
        append(paths[0], b"one\n")
        append(paths[1], b"two\n")
        await tools.eventually(lambda: source.received == 2)
        gate.clear()
        append(paths[0], b"three\n")
        await tools.eventually(lambda: b"three" in offered)
        task.cancel()
        asyncio.get_running_loop().call_later(0.05, gate.set)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sorted(got) == [b"one", b"three", b"two"]
        source, task = start()
        append(paths[1], b"four\n")
        await tools.eventually(lambda: len(got) == 4)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert got[-1] == b"four"

    run(body)
