"""How many runs go on at a time: a fixed number, or as many as the processors have time for.

A run mostly waits; but how much it works differs by an order of magnitude (a broker in Java, a TCP
client), and a machine that has no time for a run may change what is seen in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from halfopen.probes.procfs import idle_seconds

if TYPE_CHECKING:
    from halfopen.ports import LabSpec

# Runs for each processor: always, and while there is time for more.
_LEAST, _MOST = 8, 24
_BUSY = 0.95
_LOOK_S = 0.25
_WINDOW_S = 2.0


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


def jobs_for(lab: LabSpec) -> Jobs:
    """Default for a lab: on virtual time a run computes and does not wait."""
    return auto() if lab.loop is None else fixed(os.cpu_count() or 1)


class Load:
    """How busy the processors were in the last seconds.

    A run begins with a burst and then mostly waits, so that a moment says little: what counts is
    the average over the beginnings of several.

    Args:
        idle: seconds that all processors together have been idle so far.
        clock: seconds.
        processors: how many there are.
    """

    def __init__(
        self,
        idle: Callable[[], float] | None = None,
        clock: Callable[[], float] = time.monotonic,
        processors: int | None = None,
    ) -> None:
        self._idle = idle_seconds if idle is None else idle
        self._clock = clock
        self._processors = processors or os.cpu_count() or 1
        self._seen = deque([(clock(), self._idle())])

    def has_time(self) -> bool:
        """Whether they had time for more; says so once in a quarter of a second at most."""
        now = self._clock()
        if now - self._seen[-1][0] < _LOOK_S:
            return False
        self._seen.append((now, self._idle()))
        while now - self._seen[1][0] >= _WINDOW_S:
            self._seen.popleft()
        begun, before = self._seen[0]
        share = (self._seen[-1][1] - before) / ((now - begun) * self._processors)
        return share > 1 - _BUSY


class RunSlots:
    """Slots for runs, given in the order in which they are asked for.

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
    async def acquire(self) -> AsyncIterator[None]:
        """A slot, as soon as one is free."""
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
