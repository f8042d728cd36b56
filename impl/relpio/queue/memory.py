"""Queues in memory: gone with the process, as fast as it gets."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from relpio.errors import ConfigurationError, LocalProtocolError
from relpio.queue.base import Lease, Watchers
from relpio.queue.held import HeldMessages

__all__ = ["MemoryQueue"]


class MemoryQueue:
    """A bounded queue in memory.

    It is bounded twice, by messages and by bytes, since either alone lets a hostile or unlucky
    input use up the memory. A single message above the byte limit is taken when nothing else is
    held, because it could otherwise never be.
    """

    def __init__(self, max_messages: int = 10_000, max_bytes: int = 64 * 1024 * 1024) -> None:
        """Make an empty queue.

        Raises:
            ConfigurationError: a limit is below 1.
        """
        if max_messages < 1 or max_bytes < 1:
            raise ConfigurationError("a queue needs room for at least 1 message and 1 byte")
        self.max_messages = max_messages
        self.max_bytes = max_bytes
        self._held = HeldMessages()
        self._last_put = 0
        self._next_new = 1  # the lowest number that was never leased
        self._returned: list[int] = []  # were leased, are to be leased again; rising
        self.watchers = Watchers()

    def __len__(self) -> int:
        """Messages held, in flight or not."""
        return len(self._held)

    @property
    def octets(self) -> int:
        """Bytes of all messages held."""
        return self._held.octets

    @property
    def last(self) -> int:
        """The number of the message that was put last."""
        return self._last_put

    @property
    def oldest(self) -> int:
        """The lowest number held; above `last` when nothing is."""
        oldest = self._held.oldest()
        return self._last_put + 1 if oldest is None else oldest

    @property
    def lost(self) -> int:
        """Nothing: memory is not damaged unnoticed."""
        return 0

    @property
    def filling(self) -> int:
        """All messages count against the marks."""
        return len(self._held)

    @property
    def ready(self) -> int:
        """Messages that `lease` could hand out."""
        return self._last_put + 1 - self._next_new + len(self._returned)

    @property
    def in_flight(self) -> int:
        """Messages that were leased and neither acked nor taken back."""
        return len(self._held) - self.ready

    def put(self, messages: Sequence[bytes]) -> int:
        """Take as many messages from the front as there is room for; return how many."""
        room = self.max_messages - len(self._held)
        if len(messages) > room:
            messages = messages[:room]
        if self._held.octets + sum(map(len, messages)) > self.max_bytes:
            messages = self._that_fit(messages)
        count = len(messages)
        self._held.append(self._last_put + 1, messages)
        self._last_put += count
        if count:
            for tell in self.watchers.added:
                tell()
        return count

    def skip_to(self, number: int) -> None:
        """Give the next message this number; all that is held must have been leased once."""
        if number > self._last_put + 1:
            if self._next_new != self._last_put + 1:
                raise LocalProtocolError("there are messages that were never leased")
            self._last_put = number - 1
            self._next_new = number

    def take_newest(self, count: int) -> list[bytes]:
        """Remove the newest messages that were never leased, at most `count`, and their numbers."""
        count = max(0, min(count, self._last_put + 1 - self._next_new))
        self._last_put -= count
        return self._held.pop_newest(count)

    def restore_newest(self, messages: Sequence[bytes]) -> None:
        """Put back what `take_newest` returned."""
        self._held.append(self._last_put + 1, messages)
        self._last_put += len(messages)

    def items(self) -> list[tuple[int, bytes]]:
        """All numbers and messages, in flight or not, rising."""
        return list(self._held.items())

    def __contains__(self, number: object) -> bool:
        """Tell whether this message is held."""
        return number in self._held

    async def commit(self) -> None:
        """Return at once: what is in memory is as safe as it will ever be."""

    def close(self) -> None:
        """Do nothing: there are no files."""

    def _that_fit(self, messages: Sequence[bytes]) -> Sequence[bytes]:
        octets = self._held.octets
        for count, message in enumerate(messages):
            octets += len(message)
            if octets > self.max_bytes and (count or self._held):
                return messages[:count]
        return messages

    def lease(self, limit: int) -> Lease:
        """Hand out the lowest numbers that are not in flight, at most `limit`."""
        again = self._returned[:limit]
        del self._returned[: len(again)]
        fresh_count = min(limit - len(again), self._last_put + 1 - self._next_new)
        fresh = range(self._next_new, self._next_new + fresh_count)
        self._next_new += fresh_count
        # What was never handed out was never removed either.
        messages = (self._held.whole(fresh) or []) if fresh else []
        if not again:
            return Lease(fresh, messages)
        return Lease([*again, *fresh], [*map(self._held.__getitem__, again), *messages])

    def ack(self, numbers: Iterable[int]) -> None:
        """Forget messages in flight.

        Raises:
            LocalProtocolError: a number is not in flight.
        """
        before = len(self._held)
        try:
            if not (isinstance(numbers, range) and self._ack_run(numbers)):
                for number in numbers:
                    if not self._ack_run(range(number, number + 1)):
                        raise LocalProtocolError(f"message {number} is not in flight")
        finally:
            if len(self._held) < before:
                for tell in self.watchers.removed:
                    tell()

    def _ack_run(self, numbers: range) -> bool:
        """Forget a run of messages; False, and nothing, when one is not in flight."""
        if not numbers:
            return True
        first, last, returned = numbers[0], numbers[-1], self._returned
        if numbers.step != 1 or last >= self._next_new:
            return False
        if returned and bisect_left(returned, first) != bisect_right(returned, last):
            return False
        return self._held.remove_whole(numbers)

    def nack(self, numbers: Iterable[int]) -> None:
        """Take messages in flight back, to be handed out again before any later one.

        Raises:
            LocalProtocolError: a number is not in flight; then nothing is taken back.
        """
        back = sorted(numbers)
        held, returned = self._held, self._returned
        for at, number in enumerate(back):
            if (
                number not in held
                or number >= self._next_new
                or (returned and _contains(returned, number))
                or (at and back[at - 1] == number)
            ):
                raise LocalProtocolError(f"message {number} is not in flight")
        returned += back
        returned.sort()  # two rising runs: merged, not sorted
        if back:
            for tell in self.watchers.added:
                tell()


def _contains(rising: list[int], number: int) -> bool:
    at = bisect_left(rising, number)
    return at < len(rising) and rising[at] == number
