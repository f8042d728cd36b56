"""From the main queue to the queue of an action: two queues after each other, as in rsyslog."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import partial

from relpio.queue.base import MessageQueue
from relpio.queue.intake import FlowControl, Intake
from relpio.queue.settings import QueueSettings
from relpio.sender.pace import Pace

__all__ = ["NumberMap", "QueueBridge"]

MOST_RUNS = 100_000
"""Older ones are forgotten: where so many messages are discarded, some go without a notice."""


class NumberMap:
    """Which number of the main queue each number of the action queue stands for.

    Kept as runs with the same difference, which is one run as long as nothing is discarded.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._firsts: list[int] = []
        self._runs: list[tuple[int, int]] = []  # last, and what is to be added

    def add(self, numbers: range, origin: int) -> None:
        """Note that `numbers` of the action queue stand for those from `origin` on."""
        if not numbers:
            return
        shift = origin - numbers[0]
        if self._runs and self._runs[-1] == (numbers[0] - 1, shift):
            self._runs[-1] = (numbers[-1], shift)
        else:
            self._firsts.append(numbers[0])
            self._runs.append((numbers[-1], shift))
            del self._firsts[:-MOST_RUNS], self._runs[:-MOST_RUNS]

    def note(self, origins: Sequence[int], numbers: range, positions: Sequence[int]) -> None:
        """Note that `numbers` stand for those of `origins` that are at `positions`."""
        first, last = origins[positions[0]], origins[positions[-1]]
        if last - first + 1 == len(numbers):
            self.add(numbers, first)
            return
        for number, position in zip(numbers, positions, strict=True):
            self.add(range(number, number + 1), origins[position])

    def of(self, numbers: Iterable[int]) -> list[int]:
        """Return the numbers of the main queue; those from before a restart are left out."""
        found = []
        for number in numbers:
            at = bisect_right(self._firsts, number) - 1
            if at >= 0 and number <= self._runs[at][0]:
                found.append(number + self._runs[at][1])
        return found


class QueueBridge:
    """Moves messages, batch by batch, in order.

    A message leaves the main queue only when the action queue has committed it, so it may be in
    both when the process dies, and is then delivered twice; it is never in none. What the action
    queue's own rules discard is gone: they were asked for.

    Attributes:
        moved: messages moved.
        number_map: where they came from.
    """

    def __init__(self, source: MessageQueue, target: Intake, settings: QueueSettings) -> None:
        """Move from `source`, whose parameters `settings` are, to `target`."""
        self._source = source
        self._target = target
        self._pace = Pace(settings)
        self._added = asyncio.Event()
        self.moved = 0
        self.number_map = NumberMap()

    def close(self) -> None:
        """Nothing more is moved."""
        self._target.close()

    async def run(self) -> None:
        """Move until cancelled; a batch on its way then stays in the main queue."""
        self._source.watchers.added.append(self._added.set)
        try:
            while True:
                await self._turn()
        finally:
            self._source.watchers.added.remove(self._added.set)

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        self._added.clear()
        ready = self._source.ready
        if not ready:
            await self._added.wait()
            return
        delay = self._pace.delay(ready, loop.time())
        if delay > 0:
            await self._more_or(delay)
            return
        numbers, messages = self._source.lease(self._pace.batch_size)
        if not numbers:  # the disk fails: it tells of the next attempt
            await self._added.wait()
            return
        self._pace.leased(loop.time())
        try:
            offered = await self._target.offer(
                messages, FlowControl.NONE, partial(self.number_map.note, numbers)
            )
        except BaseException:
            self._source.nack(numbers)
            raise
        self.moved += offered.accepted
        self._source.ack(numbers)

    async def _more_or(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._added.wait()
        except TimeoutError:
            pass
