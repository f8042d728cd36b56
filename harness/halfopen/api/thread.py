"""A stage in a thread of its own, for callers that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from halfopen.model.records import Record, Recorder
from halfopen.runner.stage import Stage

T = TypeVar("T")


class LoopThread(Protocol):
    """A thread with an event loop."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run work in the loop and wait for it."""

    def close(self) -> None:
        """End the thread."""


class _Running:
    """Its loop runs all the time: what happens in a lab goes on while the caller computes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.Thread(target=loop.run_forever, name="lab", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


class _Standing:
    """Its loop runs only while the caller waits: time stands still while the caller computes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="lab")

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._worker.submit(self._loop.run_until_complete, work).result()

    def close(self) -> None:
        self._worker.shutdown()


class StageThread:
    """A thread that runs a stage's event loop, and keeps what the stage records.

    Args:
        make: makes the stage, for a recorder.
        make_loop: makes the loop, if its time is not the machine's: then time passes only while
            the caller waits for the stage.
    """

    def __init__(
        self,
        make: Callable[[Recorder], Stage],
        make_loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
    ) -> None:
        self._make = make
        self._loop = (make_loop or asyncio.new_event_loop)()
        self._thread: LoopThread = (_Standing if make_loop else _Running)(self._loop)
        self._news = asyncio.Event()
        self.records: list[Record] = []
        self.stage: Stage

    def begin(self) -> None:
        """Enter the stage in the thread."""

        async def enter() -> Stage:
            return await self._make(self._record).__aenter__()

        self.stage = self.run(enter())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run work on the stage and wait for it.

        Raises:
            LabError: if the lab has failed meanwhile; and whatever the work raises.
        """
        done = self.run(work)
        self.stage.check_failure()
        return done

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run work in the loop and wait for it, even if the lab has failed."""
        return self._thread.run(work)

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until a condition is met; asked again whenever something was recorded.

        Returns:
            False if it was not met within `timeout` seconds of the loop's time.
        """
        deadline = self._loop.time() + timeout
        while True:
            self._news.clear()
            if condition():
                return True
            if not self.run(self._news_by(deadline)):
                return False

    async def _news_by(self, deadline: float) -> bool:
        try:
            async with asyncio.timeout_at(deadline):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def leave(self) -> None:
        """Leave the stage: everything on it is gone."""
        self.run(self.stage.__aexit__(None, None, None))

    def close(self) -> None:
        """End the thread."""
        self._thread.close()
        self._loop.close()

    def _record(self, record: Record) -> None:
        self.records.append(record)
        self._news.set()
