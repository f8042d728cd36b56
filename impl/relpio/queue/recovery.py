"""Opening a queue's directory: what is in it, what is wrong with it, and making it usable.

Nothing is read in full but a segment without a footer: normally the last one, after a crash. The
others are believed until they are read.
"""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from relpio.errors import ConfigurationError
from relpio.queue.files import Directory, File
from relpio.queue.findings import Finding, Report
from relpio.queue.numbers import DoneNumbers
from relpio.queue.positions import NAMES as POSITION_NAMES
from relpio.queue.positions import load_positions
from relpio.queue.records import (
    FOOTER,
    HEADER,
    encode_block,
    encode_footer,
    other_format,
    parse_footer,
)
from relpio.queue.segment import SegmentReader, name_of, number_of

__all__ = ["BAD", "Recovered", "Segment", "recover"]

BAD = ".bad"
"""Ending of the name of what was set aside."""

NEW = ".new"
"""Ending of the name of what was never finished."""


@dataclass
class Segment:
    """A segment and the numbers that are to be found in it.

    Attributes:
        first: the number in its name.
        last: its last number; `first` - 1 when it has none.
        size: bytes that may be read.
        damaged: it is to be set aside, not deleted, when all of it is done.
    """

    first: int
    last: int
    size: int
    damaged: bool = False

    @property
    def name(self) -> str:
        """Name of the file."""
        return name_of(self.first)


@dataclass
class Recovered:
    """A directory that can be gone on with.

    Attributes:
        queue: the queue's own number, which its files carry.
        generation: of the positions.
        done: numbers that are done.
        written: the highest number that was noted as written.
        segments: by number.
        fresh: there was nothing.
    """

    queue: int
    generation: int = 0
    done: DoneNumbers = field(default_factory=DoneNumbers)
    written: int = 0
    segments: list[Segment] = field(default_factory=list)
    fresh: bool = False

    @property
    def last(self) -> int:
        """No number up to this one may be used again: some may be acknowledged, or lost."""
        ends = (segment.last for segment in self.segments)
        return max(self.written, self.done.highest, *ends, 0)


def recover(directory: Directory, report: Report, *, change: bool = True) -> Recovered:
    """Find out what is in the directory.

    Args:
        directory: the queue's.
        report: takes what is wrong.
        change: cut torn ends, set aside what is of no use; without it, only look.

    Raises:
        ConfigurationError: a segment has another version's format; nothing is changed then.
        OSError: the disk fails, or has no room.
    """
    sizes = directory.sizes()
    firsts = sorted(first for name in sizes if (first := number_of(name)) is not None)
    _refuse_other_format(directory, firsts)
    loaded, findings = load_positions(directory, sizes)
    if not firsts and not any(name in sizes for name in POSITION_NAMES):
        return Recovered(secrets.randbits(64), fresh=True)
    for finding in findings:
        report(finding)
        # With a whole other one it is written again in its place: a full disk has no room for two.
        if change and loaded is None and finding.byte == 0 and finding.file in sizes:
            directory.rename(finding.file, finding.file + BAD)
    if loaded is not None:
        state = Recovered(loaded.queue, loaded.generation, loaded.done, loaded.written)
    else:
        state = Recovered(_queue_of(directory, firsts))
        state.done = DoneNumbers(firsts[0] - 1 if firsts else 0)
        report(
            Finding(
                POSITION_NAMES[0],
                None,
                "what was acknowledged is unknown; everything in the segments will be "
                "delivered, some of it again, and missing segments before the first one go "
                "unnoticed",
            )
        )
    if change:
        for name in sizes:
            if name.endswith(NEW):
                directory.unlink(name)
    looker = _Looker(directory, state, report, change)
    for at, first in enumerate(firsts):
        follower = firsts[at + 1] if at + 1 < len(firsts) else None
        looker.look(first, sizes[name_of(first)], follower)
    _find_gaps(state, report)
    return state


def _refuse_other_format(directory: Directory, firsts: Iterable[int]) -> None:
    for first in firsts:
        file = directory.open(name_of(first))
        try:
            version = other_format(file.read(0, HEADER))
        finally:
            file.close()
        if version is not None:
            raise ConfigurationError(
                f"{name_of(first)} is a queue file of format {version}, which this relpio cannot "
                "read (it reads format 1); deliver its messages with the relpio that wrote it"
            )


def _queue_of(directory: Directory, firsts: Iterable[int]) -> int:
    """Return the queue's number from the segments; any number when none has it."""
    for first in firsts:
        file = directory.open(name_of(first))
        try:
            header = SegmentReader(file, 0).header()
        finally:
            file.close()
        if header is not None and header[1] == first:
            return header[0]
    return secrets.randbits(64)


class _Looker:
    """Looks at segments one after the other."""

    def __init__(
        self, directory: Directory, state: Recovered, report: Report, change: bool
    ) -> None:
        self._directory = directory
        self._state = state
        self._report = report
        self._change = change

    def look(self, first: int, size: int, follower: int | None) -> None:
        """Find the last number of the segment, and add it to the others."""
        name, queue = name_of(first), self._state.queue
        segment = Segment(first, first - 1, size)
        file = self._directory.open(name, write=self._change)
        try:
            reader = SegmentReader(file, queue)
            header = reader.header()
            if size >= HEADER and header != (queue, first):
                segment.damaged = True
                what = "the header is damaged" if header is None else "it belongs to another queue"
                self._report(Finding(name, 0, what))
            tail = file.read(size - FOOTER, FOOTER) if size >= HEADER + FOOTER else b""
            sealed = parse_footer(queue, tail)
            if sealed is not None:
                segment.last = sealed
            else:
                good_end = self._scan(reader, segment, follower)
                if self._change and follower is None and segment.last >= first:
                    self._seal(file, segment, good_end)
        finally:
            file.close()
        if follower is not None:
            # Where the next one begins, this one was given up after an error of the disk.
            segment.last = min(segment.last, follower - 1)
        if segment.last >= first:
            self._state.segments.append(segment)
        elif self._change:
            self._discard(segment)

    def _seal(self, file: File, segment: Segment, end: int) -> None:
        """Write the footer. It vouches for what is before it: both are safe before more is built.

        Without room for it, the segment is read in full at the next start, too, no more.
        """
        file.sync()
        try:
            file.write(end, encode_footer(self._state.queue, segment.last))
        except OSError as error:
            file.truncate(end)
            segment.size = end
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            return
        segment.size = end + FOOTER
        file.sync()

    def _scan(self, reader: SegmentReader, segment: Segment, follower: int | None) -> int:
        """Read the segment, find its last number and cut its torn end; return the good length."""
        good_end = min(HEADER, segment.size)
        cut: list[bytes | None] = []
        cut_first = 0
        while (found := reader.next(segment.size)) is not None:
            if found.first == 0:
                continue
            if not found.whole:
                cut, cut_first = found.messages, found.first
                break
            good_end = found.end
            segment.last = max(segment.last, found.first + len(found.messages) - 1)
        torn = segment.size - good_end
        if follower is not None:
            if torn and segment.last < follower - 1:
                segment.damaged = True
            if cut:  # what is whole in there is read like anything else
                segment.last = max(segment.last, cut_first + len(cut) - 1)
            return good_end
        if not torn:
            return good_end
        kept: list[bytes] = []
        for message in cut:
            if message is None:
                break
            kept.append(message)
        block = encode_block(self._state.queue, cut_first, kept) if kept else b""
        if kept:
            segment.last = cut_first + len(kept) - 1
        problem = f"torn end: {torn} bytes cut, {len(kept)} messages saved from them"
        self._report(Finding(segment.name, good_end, problem))
        if self._change:
            file = self._directory.open(segment.name, write=True)
            try:
                if block:  # it is no longer than what is torn: a full disk has room for it there
                    file.write(good_end, block)
                file.truncate(good_end + len(block))
            finally:
                file.close()
        return good_end + len(block)

    def _discard(self, segment: Segment) -> None:
        """Take a segment away in which there is no message; only an empty one for good."""
        if segment.damaged or segment.size > HEADER:
            self._report(Finding(segment.name, None, f"no message found; now {segment.name}{BAD}"))
            self._directory.rename(segment.name, segment.name + BAD)
        else:
            self._directory.unlink(segment.name)


def _find_gaps(state: Recovered, report: Report) -> None:
    """Report numbers that should be there, by what is known of them, and give them up."""
    expected = state.done.low + 1
    gaps = []
    for segment in state.segments:
        if segment.first > expected:
            gaps.append((f"before {segment.name}", expected, segment.first - 1))
        expected = max(expected, segment.last + 1)
    if state.written >= expected:
        where = f"after {state.segments[-1].name}" if state.segments else "all segments"
        gaps.append((where, expected, state.written))
    for where, first, last in gaps:
        lost = state.done.missing(first, last)
        if lost:
            report(Finding(where, None, "a segment is missing, or was cut short", lost))
        state.done.add(first, last)
