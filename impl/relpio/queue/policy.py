"""Decisions about a queue as pure functions: no clock, no queue, no input or output in them.

How workers use them. Before each lease, a worker asks `DequeuePolicy.delay` with what is ready; it
sleeps for what that says (or until the queue tells it of more messages) and asks again; at 0 it
leases at most `batch_size`, sends, and pauses for `slow_down`. The pool starts and ends workers so
that there are `wanted_workers`; an idle one leaves after `timeout_worker_thread_shutdown`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from relpio.queue.settings import QueueSettings

__all__ = ["DequeuePolicy", "keep_by_severity", "severity", "wanted_workers"]

DEFAULT_SEVERITY = 5
"""Notice: of a message without a priority (RFC 3164, 4.3.3: it counts as user.notice)."""
LOOK_AGAIN = 10.0
"""Seconds after which a worker looks at the time of day again: it may be set, and a timer of the
event loop does not count the time that a machine was suspended (clock_gettime(2))."""


def severity(message: bytes) -> int:
    """Return the severity in a message's `<PRI>`: 0 (emergency) to 7 (debug)."""
    end = message.find(b">", 1, 5)
    digits = message[1:end] if end > 1 and message[:1] == b"<" else b""
    # RFC 5424: one to three digits, up to 191.
    if not digits.isdigit() or int(digits) > 191:
        return DEFAULT_SEVERITY
    return int(digits) & 7


def keep_by_severity(
    messages: Sequence[bytes], filling: int, mark: int, discard_severity: int
) -> tuple[Sequence[bytes], list[int]]:
    """Apply discard mark and severity to messages that would be put after each other.

    Args:
        messages: in the order in which they would be put.
        filling: messages in the queue that count.
        mark: the discard mark; 0 is off.
        discard_severity: the most important severity that is dropped; 8 is none.

    Returns:
        The messages to put, and the positions of the others.
    """
    if mark == 0 or discard_severity > 7 or filling + len(messages) <= mark:
        return messages, []
    kept: list[bytes] = []
    dropped: list[int] = []
    for position, message in enumerate(messages):
        if filling + len(kept) >= mark and severity(message) >= discard_severity:
            dropped.append(position)
        else:
            kept.append(message)
    return kept, dropped


def wanted_workers(ready: int, settings: QueueSettings) -> int:
    """Return how many workers there should be for `ready` messages: one at least."""
    return min(settings.worker_threads, ready // settings.messages_per_worker + 1)


class DequeuePolicy:
    """When a worker may take its next batch."""

    def __init__(self, settings: QueueSettings) -> None:
        """Decide by `settings`."""
        self.batch_size = min(settings.dequeue_batch_size, settings.size)
        self.slow_down = settings.dequeue_slow_down
        self._minimum = settings.min_dequeue_batch_size
        self._timeout = settings.timeout_min_batch
        self._begin = settings.dequeue_time_begin
        self._end = settings.dequeue_time_end

    def delay(self, ready: int, waited: float, local: datetime) -> float | None:
        """Return the seconds to wait before a lease; 0 is now, None until there are messages.

        Args:
            ready: messages that can be leased.
            waited: seconds since there was a first one of them.
            local: the time of day here, for the window.
        """
        if ready < 1:
            return None
        closed = self._until_open(local)
        if closed:
            return closed
        if ready < self._minimum and waited < self._timeout:
            return self._timeout - waited
        return 0.0

    def _until_open(self, local: datetime) -> float:
        begin, end, hour = self._begin, self._end, local.hour
        if end == 25:
            return 0.0
        is_open = begin <= hour < end if begin < end else hour >= begin or hour < end
        if is_open:
            return 0.0
        # To the next full hour only: days with 23 or 25 hours need no thought then.
        hour_ends = 3600.0 - (local.minute * 60 + local.second + local.microsecond / 1e6)
        return min(hour_ends, LOOK_AGAIN)
