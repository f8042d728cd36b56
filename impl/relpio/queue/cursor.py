"""Reading a queue's messages from its segments, in order, past whatever is damaged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from relpio.queue.files import Directory, File
from relpio.queue.findings import Finding, Report
from relpio.queue.numbers import DoneNumbers
from relpio.queue.recovery import Segment
from relpio.queue.segment import Found, SegmentReader

__all__ = ["Chunk", "Cursor", "Readable"]


MENDED = "a damaged block table, mended from its checksums; the file is kept"


class Readable(Protocol):
    """What a cursor reads: a `Store`, or the files of a queue that nobody runs.

    Attributes:
        directory: where the segments are.
        queue: the queue's own number.
        last: number of the last message.
        epoch: changes when what was read of a segment before is no longer true.
        done: numbers that are not to be read.
    """

    directory: Directory
    queue: int
    last: int
    epoch: int
    done: DoneNumbers

    def segment_of(self, number: int) -> Segment | None:
        """Return the first segment whose last number is not below `number`."""
        ...

    def finish(self, runs: Iterable[tuple[int, int]]) -> None:
        """Take note that numbers are done."""
        ...


class Chunk(NamedTuple):
    """Messages with the numbers from `first` on."""

    first: int
    messages: list[bytes]


class Cursor:
    """A place in a store.

    Attributes:
        number: the next number to be read.
        lost: how many messages were found to be lost.
    """

    def __init__(self, store: Readable, report: Report) -> None:
        """Begin with the lowest number that is not done."""
        self._store = store
        self._report = report
        self.number = store.done.low + 1
        self.lost = 0
        self._file: File | None = None
        self._reader: SegmentReader | None = None
        self._segment: Segment | None = None
        self._epoch = store.epoch
        self._damage: int | None = None

    def read(self) -> list[Chunk]:
        """Return the messages of the next block that are not done; none at the end.

        Raises:
            OSError: the disk failed; the same place is tried again by the next call.
        """
        store = self._store
        while self.number <= store.last:
            segment = store.segment_of(self.number)
            if segment is None:
                self._lose(self.number, store.last, None)
                break
            if segment.first > self.number:
                self._lose(self.number, segment.first - 1, None)
            reader = self._open(segment)
            found = reader.next(segment.size) if reader is not None else None
            if found is None:
                self._lose(self.number, segment.last, self._damage)
            elif found.first == 0:
                self._damage = found.offset
            else:
                chunks = self._take(segment, found)
                if chunks:
                    return chunks
        return []

    def _take(self, segment: Segment, found: Found) -> list[Chunk]:
        first, messages = found.first, found.messages
        last = min(first + len(messages) - 1, segment.last)
        if last < self.number:
            return []
        if found.mended:
            segment.damaged = True
            self._report(Finding(segment.name, found.offset, MENDED))
        if first > segment.last:
            return []
        if first > self.number:
            place = found.offset if self._damage is None else self._damage
            self._lose(self.number, first - 1, place)
        self._damage = None
        begin = self.number
        self.number = last + 1
        chunks: list[Chunk] = []
        for a, b in self._store.done.missing(begin, last):
            part = messages[a - first : b - first + 1]
            if None not in part:
                chunks.append(Chunk(a, part))  # type: ignore[arg-type]
                continue
            self._split(a, part, found.offset, chunks)
        return chunks

    def _split(
        self, first: int, messages: list[bytes | None], offset: int, chunks: list[Chunk]
    ) -> None:
        """Take what is whole; report the rest."""
        bad: list[tuple[int, int]] = []
        good: Chunk | None = None
        for number, message in enumerate(messages, first):
            if message is not None:
                if good is None:
                    good = Chunk(number, [])
                    chunks.append(good)
                good.messages.append(message)
                continue
            good = None
            if bad and bad[-1][1] == number - 1:
                bad[-1] = (bad[-1][0], number)
            else:
                bad.append((number, number))
        self._give_up(bad, offset)

    def _lose(self, first: int, last: int, byte: int | None) -> None:
        """Go on behind `last`; what is not done before it is lost."""
        self.number = max(self.number, last + 1)
        self._damage = None
        self._give_up(self._store.done.missing(first, last), byte)

    def _give_up(self, runs: list[tuple[int, int]], byte: int | None) -> None:
        if not runs:
            return
        segment = self._store.segment_of(runs[0][0])
        name = "segments"
        if segment is not None:
            segment.damaged, name = True, segment.name
        self.lost += sum(last - first + 1 for first, last in runs)
        self._report(Finding(name, byte, "damaged; the file is kept", runs))
        self._store.finish(runs)

    def _open(self, segment: Segment) -> SegmentReader | None:
        store = self._store
        if self._segment is not segment or self._epoch != store.epoch:
            self.close()
            try:
                self._file = store.directory.open(segment.name)
            except FileNotFoundError:
                return None
            self._reader = SegmentReader(self._file, store.queue)
            self._segment, self._epoch = segment, store.epoch
            self._damage = None
        return self._reader

    def skip(self, number: int) -> None:
        """Go on with this number: what comes before is in memory."""
        self.number = max(self.number, number)

    def forget(self, segment: Segment) -> None:
        """Close the file of a segment that was deleted: while it is open, its space stays taken."""
        if self._segment is segment:
            self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
        self._file = self._reader = self._segment = None
