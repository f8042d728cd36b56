"""A set of numbers kept as runs, because acknowledgements nearly always come in order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

__all__ = ["Runs", "runs_of"]


class Runs:
    """Numbers that were added in rising order, as half-open runs `[start, end)`.

    In the normal case there is one run, and taking numbers from its front costs the same however
    many they are. Each number taken out of order splits a run: there are never more runs than
    numbers in the set.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._count = 0

    def __len__(self) -> int:
        """How many numbers are in the set."""
        return self._count

    def __iter__(self) -> Iterator[int]:
        """All numbers, rising."""
        for start, end in zip(self._starts, self._ends, strict=True):
            yield from range(start, end)

    def extend(self, start: int, count: int) -> None:
        """Add `count` numbers from `start`, which is above all numbers in the set."""
        if not count:
            return
        if self._ends and self._ends[-1] == start:
            self._ends[-1] += count
        else:
            self._starts.append(start)
            self._ends.append(start + count)
        self._count += count

    def first_run(self) -> range:
        """The lowest run; empty when the set is."""
        return range(self._starts[0], self._ends[0]) if self._starts else range(0)

    def drop_first(self, count: int) -> None:
        """Take the `count` lowest numbers of the lowest run."""
        self._starts[0] += count
        self._count -= count
        if self._starts[0] == self._ends[0]:
            del self._starts[0], self._ends[0]

    def discard(self, number: int) -> bool:
        """Take one number; False when it was not in the set."""
        at = bisect_right(self._starts, number) - 1
        if at < 0 or number >= self._ends[at]:
            return False
        start, end = self._starts[at], self._ends[at]
        rest = [(a, b) for a, b in ((start, number), (number + 1, end)) if a < b]
        self._starts[at : at + 1] = [a for a, _ in rest]
        self._ends[at : at + 1] = [b for _, b in rest]
        self._count -= 1
        return True


def runs_of(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield `(first, last)` for each run of neighbours in a rising sequence."""
    if isinstance(numbers, range) and numbers.step == 1:
        if numbers:
            yield numbers[0], numbers[-1]
        return
    first = last = None
    for number in numbers:
        if first is None or last is None:
            first = last = number
        elif number == last + 1:
            last = number
        else:
            yield first, last
            first = last = number
    if first is not None and last is not None:
        yield first, last
