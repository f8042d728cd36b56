"""How many runs go on at a time: a fixed number, or as many as the processors have time for.

A run mostly waits; but how much it works differs by an order of magnitude (a broker in Java, a TCP
client), and a machine that has no time for a run may change what is seen in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import psutil

# Places for each processor: always, and where there is time for more.
_LEAST, _MOST = 8, 24
_BUSY = 0.95
_LOOK_S = 0.25


@dataclass(frozen=True)
class Jobs:
    """Bounds of the number of runs at a time.

    Attributes:
        least: so many, however busy the machine is.
        most: more than the least only while it has time.
    """

    least: int
    most: int


def fixed(number: int) -> Jobs:
    """That many, no more and no less."""
    return Jobs(number, number)


def auto() -> Jobs:
    """What this machine can bear without disturbing any of the runs."""
    processors = os.cpu_count() or 1
    return Jobs(_LEAST * processors, _MOST * processors)


class Load:
    """How busy the processors were since the last place was given."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        psutil.cpu_percent(interval=None)

    def has_time(self) -> bool:
        """Whether they had time for more; at least a quarter of a second is looked at."""
        if time.monotonic() - self._since < _LOOK_S:
            return False
        self._since = time.monotonic()
        return psutil.cpu_percent(interval=None) < 100 * _BUSY


class Places:
    """Places for runs, given in the order in which they are asked for.

    Args:
        jobs: how many there are.
        has_time: whether the machine has time for one more than the least.
    """

    def __init__(self, jobs: Jobs, has_time: Callable[[], bool] | None = None) -> None:
        self._jobs = jobs
        self._has_time = Load().has_time if has_time is None else has_time
        self._taken = 0
        self._turn = asyncio.Lock()
        self._left = asyncio.Event()

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A place, as soon as there is one."""
        async with self._turn:
            while not self._is_free():
                self._left.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._left.wait(), _LOOK_S)
            self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
            self._left.set()

    def _is_free(self) -> bool:
        if self._taken < self._jobs.least:
            return True
        return self._taken < self._jobs.most and self._has_time()
