"""Messages that a session has sent and that have no answer, by their transaction numbers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["InFlight"]


class _Batch(NamedTuple):
    """Messages that were sent together, and their numbers in the queue."""

    first_txnr: int
    numbers: Sequence[int]
    messages: Sequence[bytes]


class InFlight:
    """Batches in the order in which they were sent.

    Answers nearly always come in order, so that a run of them takes as many steps as batches, not
    as messages. What is answered out of turn is remembered until everything before it is answered.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._batches: deque[_Batch] = deque()
        self._oldest = 0  # the lowest transaction number without an answer, if there is a batch
        self._answered: set[int] = set()  # above it

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._batches)

    def add(self, first_txnr: int, numbers: Sequence[int], messages: Sequence[bytes]) -> None:
        """Messages were sent with the transaction numbers from `first_txnr` on."""
        if not self._batches:
            self._oldest = first_txnr
        self._batches.append(_Batch(first_txnr, numbers, messages))

    def take(self, first_txnr: int, count: int) -> Sequence[int]:
        """Forget messages that are answered; return their numbers in the queue."""
        if first_txnr == self._oldest and not self._answered:
            return self._take_oldest(count)
        txnrs = range(first_txnr, first_txnr + count)
        numbers = [self.find(txnr)[0] for txnr in txnrs]
        self._answered.update(txnrs)
        while self._oldest in self._answered:
            self._answered.remove(self._oldest)
            self._take_oldest(1)
        return numbers

    def _take_oldest(self, count: int) -> Sequence[int]:
        batches, taken = self._batches, []
        while count:
            batch = batches[0]
            at = self._oldest - batch.first_txnr
            part = batch.numbers[at : at + count]
            taken.append(part)
            count -= len(part)
            self._oldest += len(part)
            if at + len(part) == len(batch.numbers):
                batches.popleft()
        return _joined(taken)

    def find(self, txnr: int) -> tuple[int, bytes]:
        """Return number in the queue, and message.

        Raises:
            KeyError: it is not in flight.
        """
        if txnr >= self._oldest and txnr not in self._answered:
            for first_txnr, numbers, messages in self._batches:
                if first_txnr <= txnr < first_txnr + len(messages):
                    return numbers[txnr - first_txnr], messages[txnr - first_txnr]
        raise KeyError(txnr)

    def oldest(self) -> tuple[int, bytes] | None:
        """Return number in the queue, and message, of the one that has waited longest."""
        return self.find(self._oldest) if self._batches else None

    def drop(self, number: int) -> None:
        """Forget the message with this number in the queue.

        Raises:
            KeyError: it is not in flight.
        """
        for txnr, each in self._items():
            if each == number:
                self.take(txnr, 1)
                return
        raise KeyError(number)

    def clear(self) -> list[int]:
        """Forget all; return their numbers in the queue, in the order in which they were sent."""
        numbers = [number for _, number in self._items()]
        self._batches.clear()
        self._answered.clear()
        return numbers

    def _items(self) -> Iterator[tuple[int, int]]:
        for batch in self._batches:
            for txnr, number in enumerate(batch.numbers, batch.first_txnr):
                if txnr >= self._oldest and txnr not in self._answered:
                    yield txnr, number


def _joined(parts: list[Sequence[int]]) -> Sequence[int]:
    """Return the numbers one after the other: as a range, if they are neighbours."""
    if len(parts) == 1:
        return parts[0]
    first, last = parts[0], parts[-1]
    if all(
        isinstance(each, range) and (not at or parts[at - 1][-1] + 1 == each[0])
        for at, each in enumerate(parts)
    ):
        return range(first[0], last[-1] + 1)
    return [number for part in parts for number in part]
