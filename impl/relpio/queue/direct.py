"""The direct queue: no queue at all. Who puts a message waits until the server has taken it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from relpio.queue.memory import MemoryQueue

__all__ = ["DirectQueue"]


class DirectQueue(MemoryQueue):
    """Hands messages from whom puts them to a worker, and holds them only in between.

    `commit` returns when everything that was put before is acknowledged. Thus a message counts as
    accepted only when the server has it, and the death of the process loses none that did.
    """

    def __init__(self, max_messages: int = 10_000, max_bytes: int = 64 * 1024 * 1024) -> None:
        """Make an empty queue; the limits bound what may be on its way."""
        super().__init__(max_messages, max_bytes)
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    @property
    def filling(self) -> int:
        """Nothing: the marks of a queue have no meaning here."""
        return 0

    async def commit(self) -> None:
        """Wait until everything that was put before is acknowledged."""
        target = self.last
        if self.oldest > target:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((target, future))
        await future

    def ack(self, numbers: Iterable[int]) -> None:
        """Forget messages in flight, and let go whom that concerns."""
        super().ack(numbers)
        oldest = self.oldest
        while self._waiting and self._waiting[0][0] < oldest:  # targets rise
            future = self._waiting.pop(0)[1]
            if not future.done():
                future.set_result(None)
