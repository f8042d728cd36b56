"""The way into a queue: discard, delay, wait for room, put, commit. All inputs come through here.

The order is rsyslog's: first the discard mark, then flow control, then room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from relpio.logs import Log, no_log
from relpio.queue.base import MessageQueue
from relpio.queue.policy import keep_by_severity
from relpio.queue.settings import QueueSettings

__all__ = ["FlowControl", "Intake", "Offered", "OnPut"]

OnPut = Callable[[range, Sequence[int]], None]
"""Called with numbers in the queue, and positions among the messages offered."""

LIGHT_DELAY = 1.0
"""Longest light delay in seconds, as in rsyslog."""


class FlowControl(Enum):
    """How long an input can be kept waiting; a property of the input, as in rsyslog."""

    NONE = "none"
    """Not at all: UDP, where the kernel would drop meanwhile."""
    LIGHT = "light"
    """A moment: sockets, whose senders would notice."""
    FULL = "full"
    """For ever: files, and standard input."""


class Offered(NamedTuple):
    """What became of messages.

    Attributes:
        accepted: how many are in the queue, as safe as its policy promises.
        discarded: positions of the others, rising.
        numbers: runs of numbers that the accepted ones have in the queue, in their order.
    """

    accepted: int
    discarded: Sequence[int]
    numbers: Sequence[range]


class _Waiting(NamedTuple):
    future: asyncio.Future[None]
    below: int | None


def _resume_mark(settings: QueueSettings) -> int:
    """Below how many messages an input goes on that has met the full delay mark.

    Some way below, so that it goes on with a useful batch; the queue has enough to send meanwhile.
    Where the queue itself waits for a batch, the two would wait for each other.
    """
    mark = settings.marks.full_delay
    return mark if settings.min_dequeue_batch_size else mark - mark // 4


class Intake:
    """Takes messages for a queue.

    Attributes:
        accepted: messages taken.
        discarded_by_severity: dropped at the discard mark (rsyslog: discarded.nf).
        discarded_full: dropped because there was no room in time (rsyslog: discarded.full).
    """

    def __init__(
        self, queue: MessageQueue, settings: QueueSettings | None = None, log: Log = no_log
    ) -> None:
        """Put into `queue`, by the marks and timeouts of `settings`."""
        self._queue = queue
        self._settings = settings or QueueSettings()
        self._marks = self._settings.marks
        self._log = log
        self._waiting: list[_Waiting] = []
        self._resume = _resume_mark(self._settings)
        self._discarding = False
        self.accepted = 0
        self.discarded_by_severity = 0
        self.discarded_full = 0
        queue.watchers.removed.append(self._wake)

    async def offer(
        self,
        messages: Sequence[bytes],
        flow: FlowControl = FlowControl.LIGHT,
        on_put: OnPut | None = None,
    ) -> Offered:
        """Put messages into the queue, and return when the accepted ones are safe.

        While the disk does not take what is due to it, this waits; the caller may give up by
        cancellation, and must then take none of the messages for accepted.

        Args:
            messages: in order.
            flow: how long the input can wait.
            on_put: called with numbers in the queue, and the positions in `messages` that they
                stand for, as soon as they are in the queue and before they can be acknowledged.
        """
        marks, settings = self._marks, self._settings
        kept, dropped = keep_by_severity(
            messages, self._queue.filling, marks.discard, settings.discard_severity
        )
        self.discarded_by_severity += len(dropped)
        if kept:
            await self._delay(flow)
        positions: Sequence[int] = range(len(messages))
        if dropped:
            gone = set(dropped)
            positions = [place for place in positions if place not in gone]
        numbers, rest = await self._put(kept, positions, on_put)
        if numbers:
            await self._queue.commit()
        accepted = len(kept) - rest
        self.accepted += accepted
        if rest:
            self.discarded_full += rest
            dropped = sorted([*dropped, *positions[accepted:]])
        self._tell(len(dropped))
        return Offered(accepted, dropped, numbers)

    async def _put(
        self, messages: Sequence[bytes], positions: Sequence[int], on_put: OnPut | None
    ) -> tuple[list[range], int]:
        """Put; return the numbers, and how many found no room in time."""
        queue, timeout = self._queue, self._settings.timeout_enqueue
        deadline: float | None = None
        loop = asyncio.get_running_loop()
        numbers: list[range] = []
        while messages:
            count = queue.put(messages)
            if count:
                last = queue.last
                numbers.append(range(last - count + 1, last + 1))
                if on_put is not None:
                    on_put(numbers[-1], positions[:count])
                messages, positions = messages[count:], positions[count:]
                deadline = None
                continue
            if timeout is None:
                # Room may also come from outside: somebody frees space on a full disk.
                await self._removed(1.0)
                continue
            if deadline is None:
                deadline = loop.time() + timeout
            left = deadline - loop.time()
            if left <= 0:
                break
            await self._removed(min(left, 1.0))
        return numbers, len(messages)

    async def _delay(self, flow: FlowControl) -> None:
        if flow is FlowControl.FULL and self._marks.full_delay:
            # After a second the mark itself counts: nobody may be there who takes messages out.
            while self._queue.filling >= self._marks.full_delay:
                await self._removed(1.0, self._resume)
        elif flow is FlowControl.LIGHT and self._marks.light_delay:
            mark = self._marks.light_delay
            if self._queue.filling < mark:
                return
            await self._below(max(1, mark // 2), LIGHT_DELAY)

    async def _below(self, mark: int, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self._queue.filling >= mark and (left := deadline - loop.time()) > 0:
            await self._removed(left, mark)

    async def _removed(self, seconds: float, below: int | None = None) -> None:
        """Wait until the queue has lost a message, or for `seconds`.

        With `below`, it must also be filled less than that.
        """
        waiting = _Waiting(asyncio.get_running_loop().create_future(), below)
        self._waiting.append(waiting)
        try:
            await asyncio.wait([waiting.future], timeout=seconds)
        finally:
            if not waiting.future.done():
                waiting.future.cancel()
                self._waiting.remove(waiting)

    def _wake(self) -> None:
        """Called for each batch of answers: who has nothing to do yet must not be woken."""
        if not self._waiting:
            return
        filling = self._queue.filling
        patient: list[_Waiting] = []
        for waiting in self._waiting:
            if waiting.below is not None and filling >= waiting.below:
                patient.append(waiting)
            elif not waiting.future.done():
                waiting.future.set_result(None)
        self._waiting = patient

    def close(self) -> None:
        """Say what was discarded up to the end: nothing more is offered."""
        self._tell(0)

    def _tell(self, dropped: int) -> None:
        """Report the first of several discards, and the end of them: not each one."""
        if dropped and not self._discarding:
            self._log("discard-begin", held=len(self._queue))
        elif not dropped and self._discarding:
            self._log(
                "discard-end",
                by_severity=self.discarded_by_severity,
                full=self.discarded_full,
            )
        self._discarding = bool(dropped)
