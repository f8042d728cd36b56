"""The set of numbers that a queue is done with: everything up to a mark, and runs above it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

__all__ = ["DoneNumbers"]


class DoneNumbers:
    """Numbers that were acknowledged, or lost.

    There are never more runs than messages in flight plus one, since every hole is one of them.
    """

    def __init__(self, low: int = 0) -> None:
        """Hold all numbers up to `low`."""
        self.low = low
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    @property
    def highest(self) -> int:
        """The highest number in the set."""
        return self._lasts[-1] if self._lasts else self.low

    def runs(self) -> Iterator[tuple[int, int]]:
        """First and last of each run above `low`, rising."""
        return zip(self._firsts, self._lasts, strict=True)

    def add(self, first: int, last: int) -> None:
        """Add the numbers from `first` to `last`; some may be in already."""
        first = max(first, self.low + 1)
        if last < first:
            return
        firsts, lasts = self._firsts, self._lasts
        # All runs that overlap or touch become one.
        begin = bisect_left(lasts, first - 1)
        end = bisect_right(firsts, last + 1)
        if begin < end:
            first, last = min(first, firsts[begin]), max(last, lasts[end - 1])
        if first == self.low + 1:
            self.low = last
            del firsts[:end], lasts[:end]
        else:
            firsts[begin:end], lasts[begin:end] = [first], [last]

    def missing(self, first: int, last: int) -> list[tuple[int, int]]:
        """Return the runs between `first` and `last` that are not in the set."""
        first = max(first, self.low + 1)
        found = []
        at = bisect_left(self._lasts, first)
        while first <= last:
            if at == len(self._firsts) or self._firsts[at] > last:
                found.append((first, last))
                break
            if first < self._firsts[at]:
                found.append((first, self._firsts[at] - 1))
            first = self._lasts[at] + 1
            at += 1
        return found

    def covers(self, first: int, last: int) -> bool:
        """Tell whether all numbers from `first` to `last` are in the set."""
        return not self.missing(first, last)

    def count_missing(self, first: int, last: int) -> int:
        """Return how many numbers from `first` to `last` are not in the set."""
        return sum(b - a + 1 for a, b in self.missing(first, last))
