"""Messages that a server refused: each waits by itself until it is sent again."""

from __future__ import annotations

import asyncio
import random

from relpio.queue.base import MessageQueue
from relpio.sender.backoff import Backoff, BackoffPolicy

__all__ = ["MOST_HELD", "Refusals"]

MOST_HELD = 1000
"""Messages that wait at a time. A server that refuses more than that has trouble of its own."""


class Refusals:
    """Holds refused messages in flight, each for its own back-off, so that others go on.

    Attributes:
        policy: the back-off of messages that are refused for the first time from now on.
    """

    def __init__(self, queue: MessageQueue, policy: BackoffPolicy, rng: random.Random) -> None:
        """Hold messages of `queue`, which gets them back by `nack`."""
        self._queue = queue
        self.policy = policy
        self._rng = rng
        self._counts: dict[int, int] = {}  # number in the queue -> how often it was refused
        self._backoffs: dict[int, Backoff] = {}
        self._held: dict[int, asyncio.TimerHandle] = {}

    @property
    def full(self) -> bool:
        """No more can be held."""
        return len(self._held) >= MOST_HELD

    def count(self, number: int) -> int:
        """Count a refusal; return how many there were of this message."""
        self._counts[number] = self._counts.get(number, 0) + 1
        return self._counts[number]

    def hold(self, number: int) -> float:
        """Keep a message in flight until it is to be sent again; return in how many seconds."""
        backoff = self._backoffs.setdefault(number, Backoff(self.policy, self._rng))
        seconds = backoff.next_delay()
        loop = asyncio.get_running_loop()
        self._held[number] = loop.call_later(seconds, self._release, number)
        return seconds

    def forget(self, number: int) -> None:
        """The message was taken after all, or is a dead letter."""
        self._counts.pop(number, None)
        self._backoffs.pop(number, None)

    def __bool__(self) -> bool:
        """Some message was refused, and not taken since."""
        return bool(self._counts or self._backoffs)

    def close(self) -> None:
        """Give everything back to the queue."""
        for timer in self._held.values():
            timer.cancel()
        if self._held:
            self._queue.nack(list(self._held))
        self._held.clear()

    def _release(self, number: int) -> None:
        del self._held[number]
        self._queue.nack([number])
