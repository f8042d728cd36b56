"""Plays a run on an event loop of its own, in a thread: where time is not the machine's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


async def play_apart(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
    work: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    """Do `work` on a loop made by `make_loop`; if this is cancelled, so is that, and waited for.

    Raises:
        Exception: that of `work`.
    """
    begun: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []
    cancelled = False

    async def inside() -> None:
        task = asyncio.current_task()
        assert task is not None
        begun.append((asyncio.get_running_loop(), task))
        if cancelled:
            raise asyncio.CancelledError
        await work()

    def body() -> None:
        with asyncio.Runner(loop_factory=make_loop) as runner:
            runner.run(inside())

    thread = asyncio.ensure_future(asyncio.to_thread(body))
    try:
        await asyncio.shield(thread)
    except asyncio.CancelledError:
        cancelled = True
        for loop, task in begun:
            loop.call_soon_threadsafe(task.cancel)
        await asyncio.gather(thread, return_exceptions=True)
        raise
