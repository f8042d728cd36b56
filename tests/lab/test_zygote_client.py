"""The sandboxes of one caller are forked by one process, and die with it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from halfopen.errors import LabError
from halfopen.labs.netns import zygote_client
from halfopen.labs.netns.lab import NetnsLab
from halfopen.model.history import Record
from halfopen.model.topology import lay_out
from tests.lab.processes import wait_until

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]


def _record(_: Record) -> None:
    pass


def _zygotes() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        # What another test has left unread has no command line any more.
        if child.status() != psutil.STATUS_ZOMBIE
        and "halfopen.labs.netns.zygote" in child.cmdline()
    ]


async def _two_at_a_time(directory: Path) -> None:
    assert _zygotes() == []
    async with NetnsLab(directory / "a", "aaaa", _record) as first:
        [zygote] = _zygotes()
        async with NetnsLab(directory / "b", "bbbb", _record):
            assert _zygotes() == [zygote]
            assert len(zygote.children()) == 2
        # Whether its lab has hosts or not, the other lives on.
        assert wait_until(lambda: len(zygote.children()) == 1)
        await first.build([["x", "y"]], lay_out(["x", "y"]), {}, {}, {})
    assert not zygote.is_running()


def test_labs_of_one_caller_share_a_zygote_which_ends_with_the_last(tmp_path: Path) -> None:
    asyncio.run(_two_at_a_time(tmp_path))


async def _directories(directory: Path, patch: pytest.MonkeyPatch) -> list[str]:
    async with NetnsLab(directory / "first", "aaaa", _record):
        patch.chdir(directory)
        async with NetnsLab(directory / "second", "bbbb", _record):
            [zygote] = _zygotes()
            return [agent.cwd() for keeper in zygote.children() for agent in keeper.children()]


def test_a_sandbox_has_the_directory_of_its_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = str(Path.cwd())
    assert asyncio.run(_directories(tmp_path, monkeypatch)) == [before, str(tmp_path)]


async def _death(directory: Path) -> None:
    async with NetnsLab(directory, "aaaa", _record) as lab:
        await lab.build([["x", "y"]], lay_out(["x", "y"]), {}, {}, {})
        [zygote] = _zygotes()
        born = zygote.children(recursive=True)
        assert born
        zygote.kill()
        assert wait_until(lambda: not any(each.is_running() for each in born))
        with pytest.raises(LabError, match="the sandbox died"):
            await lab.sample()


def test_the_death_of_the_zygote_is_that_of_its_sandboxes(tmp_path: Path) -> None:
    asyncio.run(_death(tmp_path))


async def _stopped(directory: Path) -> psutil.Process:
    async with NetnsLab(directory, "aaaa", _record):
        [zygote] = _zygotes()
        [keeper] = zygote.children()
        keeper.suspend()
        return keeper


def test_a_keeper_that_cannot_end_keeps_nobody_waiting_and_dies_with_the_zygote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zygote_client, "PATIENCE_S", 0.2)
    keeper = asyncio.run(asyncio.wait_for(_stopped(tmp_path), 60))
    assert wait_until(lambda: not keeper.is_running())
