"""Patterns of followed files: new files as they come, rotation, names that mean the same file."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relpio.inputs import follow, followed
from relpio.inputs.follow import FollowInput
from relpio.inputs.patterns import matching, named_by

from ..doubles import Events
from .follower import append

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import RelpioProcess, Tools

    Start = Callable[..., RelpioProcess]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "SCAN", 0.02)
    monkeypatch.setattr(follow, "POLL", 0.01)
    monkeypatch.setattr(followed, "LINGER", 0.05)


class Following:
    """A running input of one pattern."""

    def __init__(self, pattern: Path, tools: type[Tools]) -> None:
        self.pattern = pattern
        self.tools = tools
        self.messages: list[bytes] = []
        self.log = Events()

    async def __aenter__(self) -> Following:
        state = self.pattern.with_name("state")
        self.input = FollowInput([self.pattern], state, max_line=1000, log=self.log)
        self.task = asyncio.create_task(self.input.run(self.deliver))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def deliver(self, messages: Sequence[bytes]) -> None:
        self.messages += messages

    async def get(self, *messages: bytes) -> None:
        """Wait for exactly these, in any order."""
        await self.tools.eventually(lambda: len(self.messages) >= len(messages))
        assert sorted(self.messages) == sorted(messages)
        self.messages.clear()


def test_files_that_come_later_are_read_from_their_start(
    tmp_path: Path, tools: type[Tools]
) -> None:
    async def work() -> None:
        async with Following(tmp_path / "*.log", tools) as following:
            assert following.log.of("follow-waiting")[0]["detail"] == "no file matches"
            append(tmp_path / "a.log", b"a1\n")
            append(tmp_path / "other", b"not this\n")
            await following.get(b"a1")
            append(tmp_path / "b.log", b"b1\n")
            append(tmp_path / "a.log", b"a2\n")
            await following.get(b"a2", b"b1")
        append(tmp_path / "a.log", b"a3\n")
        append(tmp_path / "c.log", b"c1\n")
        async with Following(tmp_path / "*.log", tools) as following:  # after a restart
            await following.get(b"a3", b"c1")

    asyncio.run(work())


@pytest.mark.parametrize("rotated", ["a.log.1", "a-20261127.log"])
def test_what_rotation_made_is_not_read_as_another_file(
    tmp_path: Path, tools: type[Tools], rotated: str
) -> None:
    async def work() -> None:
        async with Following(tmp_path / "a*log*", tools) as following:
            append(tmp_path / "a.log", b"1\n")
            await following.get(b"1")
            (tmp_path / "a.log").rename(tmp_path / rotated)
            append(tmp_path / rotated, b"2\n")
            append(tmp_path / "a.log", b"3\n")
            await following.get(b"2", b"3")
            await tools.eventually(lambda: bool(following.log.of("follow-close")))
            await asyncio.sleep(0.1)
            append(tmp_path / "a.log", b"4\n")
            await following.get(b"4")

    asyncio.run(work())


def test_what_was_rotated_away_while_nothing_ran_is_still_read(
    tmp_path: Path, tools: type[Tools]
) -> None:
    async def work() -> None:
        async with Following(tmp_path / "*.log", tools) as following:
            append(tmp_path / "a.log", b"1\n")
            await following.get(b"1")
        append(tmp_path / "a.log", b"2\n")
        (tmp_path / "a.log").rename(tmp_path / "a.log.1")  # and no other in its place
        async with Following(tmp_path / "*.log", tools) as following:
            await following.get(b"2")

    asyncio.run(work())


def test_a_file_that_is_gone_is_forgotten(tmp_path: Path, tools: type[Tools]) -> None:
    async def work() -> None:
        async with Following(tmp_path / "*.log", tools) as following:
            append(tmp_path / "a.log", b"1\n")
            await following.get(b"1")
            (tmp_path / "a.log").unlink()
            state = tmp_path / "state"
            await tools.eventually(
                lambda: state.exists() and not json.loads(state.read_text())["files"]
            )
            append(tmp_path / "a.log", b"1\n")  # another of that name
            await following.get(b"1")

    asyncio.run(work())


def test_a_file_that_is_gone_for_good_is_reported_once(tmp_path: Path, tools: type[Tools]) -> None:
    async def work() -> None:
        async with Following(tmp_path / "*.log", tools) as following:
            append(tmp_path / "a.log", b"1\n")
            await following.get(b"1")
        (tmp_path / "a.log").unlink()
        async with Following(tmp_path / "*.log", tools) as following:
            assert following.log.of("follow-missing")
            state = tmp_path / "state"
            await tools.eventually(
                lambda: state.exists() and not json.loads(state.read_text())["files"]
            )
        async with Following(tmp_path / "*.log", tools) as following:
            assert not following.log.of("follow-missing")

    asyncio.run(work())


def test_no_more_files_than_there_is_room_for(
    tmp_path: Path, tools: type[Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "MOST_FILES", 2)
    for name in "abc":
        append(tmp_path / f"{name}.log", name.encode() + b"\n")

    async def work() -> None:
        async with Following(tmp_path / "*.log", tools) as following:
            await following.get(b"a", b"b")
            (full,) = following.log.of("follow-full")
            assert full["file"] == str(tmp_path / "c.log")
            (tmp_path / "a.log").unlink()
            await following.get(b"c")

    asyncio.run(work())


def test_which_files_match(tmp_path: Path) -> None:
    for name in ("a.log", "a.log.1", "a.log.2.gz", "a-20261127.log", "b-20261127.log", "c.log"):
        (tmp_path / name).touch()
    (tmp_path / "d.log").symlink_to(tmp_path / "c.log")
    (tmp_path / "e.log").mkdir()
    found = [path.name for path in matching(tmp_path / "*log*", [], [])]
    assert found == ["a.log", "b-20261127.log", "c.log"]
    known = [tmp_path / "a.log"]
    status = (tmp_path / "c.log").stat()
    held = [(status.st_dev, status.st_ino)]
    assert [path.name for path in matching(tmp_path / "*log*", known, held)] == ["b-20261127.log"]
    (tmp_path / "a.log").unlink()  # its rotated files are still its own
    assert matching(tmp_path / "a*", known, []) == []
    assert named_by(tmp_path / "*.log", ["/x/a.log", str(tmp_path / "z.log")]) == [
        tmp_path / "z.log"
    ]


def test_empty_lines_are_skipped_if_asked_for(
    relpio: Start, tmp_path: Path, tools: type[Tools]
) -> None:
    append(tmp_path / "a.log", b"1\n\n2\n")
    output = tmp_path / "out"
    receiver = relpio("receive", "--listen", "127.0.0.1:0", "--output", str(output))
    target = f"127.0.0.1:{receiver.wait_event('listening')['port']}"
    follows = ("--follow", str(tmp_path / "*.log"), "--state-file", str(tmp_path / "state"))
    sender = relpio("send", "--target", target, "--empty-lines", "skip", *follows)
    sender.wait_event("session-open")
    piped = relpio(
        "send", "--target", target, "--empty-lines", "skip", stdin=subprocess.PIPE
    )  # fmt: skip
    piped.feed(b"\n3\n\n")
    assert piped.wait() == 0
    tools.wait_until(lambda: output.read_bytes().count(b"\n") >= 3)
    assert sender.terminate() == 0
    assert sorted(output.read_bytes().split()) == [b"1", b"2", b"3"]
    assert b"\n\n" not in output.read_bytes()
    assert receiver.terminate() == 0
