"""Messages by their numbers, kept as runs of neighbours.

A dict from number to message costs the interpreter several steps a message on each of its ways.
Here, what is put, read and removed together costs a few steps for all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

__all__ = ["HeldMessages"]

_COMPACT_FROM = 1024
"""Removed messages at the front of a run from which on their places may be given back."""


class _Run:
    """Messages with the numbers from `first` on; None where one was removed.

    Attributes:
        gone: places at the front that are all None.
        holes: None at other places.
    """

    __slots__ = ("first", "gone", "holes", "items")

    def __init__(self, first: int, items: list[bytes | None]) -> None:
        self.first = first
        self.items = items
        self.gone = 0
        self.holes = 0

    @property
    def end(self) -> int:
        return self.first + len(self.items)


class HeldMessages:
    """Messages under rising numbers.

    Attributes:
        octets: bytes of all.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._runs: list[_Run] = []  # none is empty
        self._count = 0
        self.octets = 0

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    def __contains__(self, number: object) -> bool:
        """Tell whether there is a message of this number."""
        return isinstance(number, int) and self._find(number) is not None

    def __getitem__(self, number: int) -> bytes:
        """Return one message.

        Raises:
            KeyError: there is none.
        """
        message = self._find(number)
        if message is None:
            raise KeyError(number)
        return message

    def oldest(self) -> int | None:
        """Return the lowest number."""
        return self._runs[0].first + self._runs[0].gone if self._runs else None

    def items(self) -> Iterator[tuple[int, bytes]]:
        """Yield numbers and messages, rising."""
        for run in self._runs:
            for number, message in enumerate(run.items, run.first):
                if message is not None:
                    yield number, message

    def append(self, first: int, messages: Sequence[bytes]) -> None:
        """Add messages with the numbers from `first` on, which are above all others."""
        if not messages:
            return
        if self._runs and self._runs[-1].end == first:
            self._runs[-1].items += messages
        else:
            self._runs.append(_Run(first, list(messages)))
        self._count += len(messages)
        self.octets += sum(map(len, messages))

    def whole(self, numbers: range) -> list[bytes] | None:
        """Return messages of neighbouring numbers; None when one of them is missing."""
        run = self._run_of(numbers.start)
        if run is None:
            return None
        at = numbers.start - run.first
        part = run.items[at : at + len(numbers)]
        found: list[bytes] = part  # type: ignore[assignment]
        if len(part) < len(numbers) or at < run.gone or (run.holes and None in part):
            return None
        return found

    def remove_whole(self, numbers: range) -> bool:
        """Remove messages of neighbouring numbers; False, and nothing, when one is missing."""
        if not numbers:
            return True
        part = self.whole(numbers)
        run = self._run_of(numbers.start)
        if part is None or run is None:
            return False
        at, count = numbers.start - run.first, len(numbers)
        run.items[at : at + count] = [None] * count
        self._count -= count
        self.octets -= sum(map(len, part))
        if at > run.gone:
            run.holes += count
            return True
        run.gone += count
        items, size = run.items, len(run.items)
        while run.holes and run.gone < size and items[run.gone] is None:
            run.gone += 1
            run.holes -= 1
        if run.gone == size:
            self._runs.remove(run)
        elif run.gone >= _COMPACT_FROM and 2 * run.gone >= size:
            del items[: run.gone]
            run.first += run.gone
            run.gone = 0
        return True

    def pop_newest(self, count: int) -> list[bytes]:
        """Remove and return the `count` newest; they are neighbours, and none was removed."""
        if not count:
            return []
        end = self._runs[-1].end
        newest = range(end - count, end)
        messages = self.whole(newest)
        if messages is None:
            raise KeyError(newest)
        run = self._runs[-1]
        del run.items[-count:]
        self._count -= count
        self.octets -= sum(map(len, messages))
        while run.items and run.items[-1] is None and len(run.items) > run.gone:
            run.items.pop()
            run.holes -= 1
        if len(run.items) == run.gone:
            self._runs.pop()
        return messages

    def _run_of(self, number: int) -> _Run | None:
        runs = self._runs
        if not runs:
            return None
        if number >= runs[-1].first:
            return runs[-1]
        at = bisect_right(runs, number, key=_first)
        return runs[at - 1] if at else None

    def _find(self, number: int) -> bytes | None:
        run = self._run_of(number)
        return None if run is None or number >= run.end else run.items[number - run.first]


def _first(run: _Run) -> int:
    return run.first
