"""A run on a loop of its own ends as one on the caller's loop would."""

from __future__ import annotations

import asyncio
import threading

import pytest

from halfopen.runner.apart import play_apart


class OtherLoop(asyncio.SelectorEventLoop):
    """A loop whose time is not the machine's."""

    def time(self) -> float:
        return super().time() + 1e6


def test_it_has_its_own_loop_and_thread() -> None:
    found: list[object] = []

    async def work() -> None:
        found.extend((type(asyncio.get_running_loop()), threading.current_thread()))

    asyncio.run(play_apart(OtherLoop, work))
    assert found[0] is OtherLoop
    assert found[1] is not threading.current_thread()


def test_its_error_is_the_callers() -> None:
    async def work() -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        asyncio.run(play_apart(OtherLoop, work))


def test_who_cancels_it_waits_until_it_has_cleaned_up() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            ended.append("cleaned up")

    async def play() -> None:
        task = asyncio.create_task(play_apart(OtherLoop, work))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["cleaned up"]

    asyncio.run(play())
