"""When a session may take its next batch from the queue, and how large it is."""

from __future__ import annotations

import time
from datetime import datetime

from relpio.queue.policy import DequeuePolicy
from relpio.queue.settings import QueueSettings

__all__ = ["Pace"]


class Pace:
    """The queue's dequeue policy with a memory: since when messages wait, when it is on again.

    Attributes:
        batch_size: most messages of one lease.
        plain: there are never pauses.
    """

    def __init__(self, settings: QueueSettings) -> None:
        """Follow `settings`."""
        self._policy = DequeuePolicy(settings)
        self.batch_size = self._policy.batch_size
        # Most queues want no pauses; asking the clock for each batch would cost them.
        self.plain = (
            settings.min_dequeue_batch_size == 0
            and settings.dequeue_slow_down == 0
            and settings.dequeue_time_end == 25
        )
        self._waiting_since: float | None = None
        self._not_before = 0.0

    def delay(self, ready: int, now: float) -> float:
        """Return the seconds to wait before the next lease; 0 is now.

        Args:
            ready: messages that can be leased, one at least.
            now: the time of a clock that never goes back.
        """
        if self.plain:
            return 0.0
        if self._waiting_since is None:
            self._waiting_since = now
        if now < self._not_before:
            return self._not_before - now
        local = datetime.fromtimestamp(time.time())
        return self._policy.delay(ready, now - self._waiting_since, local) or 0.0

    def leased(self, now: float) -> None:
        """A batch was taken."""
        if not self.plain:
            self._waiting_since = None
            self._not_before = now + self._policy.slow_down
