"""The list of a queue's segments, and their deletion."""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator

from relpio.queue.files import Directory
from relpio.queue.numbers import DoneNumbers
from relpio.queue.recovery import BAD, Segment

__all__ = ["Segments"]


class Segments:
    """Segments by number; the one that is written, if any, is the last.

    Attributes:
        size: bytes of all.
        on_deleted: called with each segment whose file is gone.
    """

    def __init__(self, directory: Directory, found: list[Segment], done: DoneNumbers) -> None:
        """Begin with those that were found."""
        self._directory = directory
        self._done = done
        self._list = found
        self.size = sum(segment.size for segment in found)
        self.on_deleted: Callable[[Segment], None] = lambda _: None

    def __iter__(self) -> Iterator[Segment]:
        """Iterate over a copy, so that segments may be deleted on the way."""
        return iter(list(self._list))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._list)

    @property
    def last(self) -> Segment:
        """The last one, which must be there."""
        return self._list[-1]

    def of(self, number: int) -> Segment | None:
        """Return the first segment whose last number is not below `number`."""
        at = self._at(number)
        return self._list[at] if at < len(self._list) else None

    def touched_by(self, runs: Iterable[tuple[int, int]]) -> list[Segment]:
        """Return the segments with numbers of these runs."""
        touched: list[Segment] = []
        for first, last in runs:
            at = self._at(first)
            while at < len(self._list) and self._list[at].first <= last:
                touched.append(self._list[at])
                at += 1
        return touched

    def _at(self, number: int) -> int:
        return bisect_left(self._list, number, key=lambda segment: segment.last)

    def is_done(self, segment: Segment) -> bool:
        """Tell whether all its numbers are done."""
        return self._done.covers(segment.first, segment.last)

    def add(self, segment: Segment) -> None:
        """Add one behind the others."""
        self._list.append(segment)
        self.size += segment.size

    def grow(self, segment: Segment, length: int) -> None:
        """Take note that so many bytes were written to a segment."""
        segment.size += length
        self.size += length

    def drop_last(self) -> None:
        """Remove the last one, in which there is nothing."""
        segment = self._list.pop()
        self.size -= segment.size
        with contextlib.suppress(OSError):
            self._directory.unlink(segment.name)

    def cut(self, first: int) -> None:
        """The numbers from `first` on are in another file now."""
        while self._list and self._list[-1].last >= first:
            segment = self._list.pop()
            self.size -= segment.size
            if segment.first > first:
                with contextlib.suppress(OSError):
                    self._directory.unlink(segment.name)
            elif segment.first < first:
                segment.last = first - 1
                self.add(segment)
                break

    def delete(self, gone: Iterable[Segment]) -> None:
        """Delete their files; those that are damaged are set aside.

        Raises:
            OSError: that failed; those before it are gone.
        """
        for segment in gone:
            if segment not in self._list:
                continue
            if segment.damaged:
                self._directory.rename(segment.name, segment.name + BAD)
            else:
                self._directory.unlink(segment.name)
            self.on_deleted(segment)
            self._list.remove(segment)
            self.size -= segment.size
