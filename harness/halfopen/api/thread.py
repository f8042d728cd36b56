"""A stage in a thread of its own, for callers that block."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from halfopen.model.records import Record, Recorder
from halfopen.runner.stage import Stage

T = TypeVar("T")


class StageThread:
    """A thread that runs a stage's event loop, and keeps what the stage records.

    Args:
        make: makes the stage, for a recorder.
    """

    def __init__(self, make: Callable[[Recorder], Stage]) -> None:
        self._make = make
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lab", daemon=True)
        self._news = threading.Condition()
        self.records: list[Record] = []
        self.stage: Stage

    def begin(self) -> None:
        """Start the thread, and enter the stage in it."""
        self._thread.start()

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
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until a condition is met; asked again whenever something was recorded.

        Returns:
            False if it was not met within `timeout` seconds.
        """
        with self._news:
            deadline = time.monotonic() + timeout
            while not condition():
                if not self._news.wait(max(0.0, deadline - time.monotonic())):
                    return False
            return True

    def leave(self) -> None:
        """Leave the stage: everything on it is gone."""
        self.run(self.stage.__aexit__(None, None, None))

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _record(self, record: Record) -> None:
        with self._news:
            self.records.append(record)
            self._news.notify_all()
