"""Looking at a queue's directory from outside, and repairing it."""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from relpio.queue.cursor import Cursor
from relpio.queue.files import Directory
from relpio.queue.findings import Finding
from relpio.queue.records import encode_block, encode_footer, encode_header
from relpio.queue.recovery import BAD, NEW, Recovered, Segment, recover
from relpio.queue.segment import SegmentReader
from relpio.queue.store import Store

__all__ = ["Inspection", "inspect", "repair"]


@dataclass
class Inspection:
    """What is in a directory.

    Attributes:
        fresh: nothing: no queue was ever here.
        done: all numbers up to this one are done.
        last: the last number.
        held: messages that are not done; without reading all, those believed to be there.
        lost: messages that are gone.
        segments: in order.
        findings: what is wrong.
        set_aside: names of files that were set aside.
    """

    fresh: bool
    done: int = 0
    last: int = 0
    held: int = 0
    lost: int = 0
    segments: list[Segment] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)


class _Files:
    """A queue's files without a queue: nothing is written."""

    def __init__(self, directory: Directory, state: Recovered) -> None:
        self.directory = directory
        self.queue = state.queue
        self.segments = state.segments
        self.last = state.last
        self.done = state.done
        self.epoch = 0

    def segment_of(self, number: int) -> Segment | None:
        at = bisect_left(self.segments, number, key=lambda segment: segment.last)
        return self.segments[at] if at < len(self.segments) else None

    def finish(self, runs: Iterable[tuple[int, int]]) -> None:
        for first, last in runs:
            self.done.add(first, last)


def inspect(directory: Directory, *, read_all: bool) -> Inspection:
    """Look at a queue, and change nothing.

    Args:
        directory: where it is.
        read_all: read every message and check it; otherwise only what a start would read.

    Raises:
        OSError: the disk fails.
    """
    found = Inspection(False)
    state = recover(directory, found.findings.append, change=False)
    found.fresh = state.fresh
    found.last, found.done = state.last, state.done.low
    found.segments = state.segments
    missing = state.done.count_missing
    found.held = sum(missing(part.first, part.last) for part in state.segments)
    if read_all:
        found.held = 0
        cursor = Cursor(_Files(directory, state), found.findings.append)
        with contextlib.closing(cursor):
            while chunks := cursor.read():
                found.held += sum(len(chunk.messages) for chunk in chunks)
    found.lost = sum(finding.gone for finding in found.findings)
    found.set_aside = sorted(name for name in directory.sizes() if name.endswith(BAD))
    return found


def repair(directory: Directory) -> Inspection:
    """Make a queue whole again with all that can be read of it; the damaged files are kept.

    Takes over the directory and closes it.

    Raises:
        OSError: the disk fails, or has no room; what was there is still there.
    """
    before = inspect(directory, read_all=True)
    store = Store(directory, lambda _: None, max_file_size=1, durable=True)
    try:
        # The names are known from the look before; a start alone would read them one by one.
        damaged = {finding.file for finding in before.findings if finding.file.endswith(".seg")}
        store.finish(run for finding in before.findings for run in finding.lost)
        for segment in store.segments:
            if segment.damaged or segment.name in damaged:
                _rewrite(directory, store, segment)
        before.set_aside = sorted(name for name in directory.sizes() if name.endswith(BAD))
    finally:
        store.close()
    return before


def _rewrite(directory: Directory, store: Store, segment: Segment) -> None:
    """Keep a copy of a segment under another name, and put what is good of it in its place."""
    file = directory.open(segment.name)
    try:
        _copy(directory, file.read(0, segment.size), segment.name + BAD)
        blocks = [encode_header(store.queue, segment.first)]
        reader = SegmentReader(file, store.queue)
        while (found := reader.next(segment.size)) is not None:
            for first, last in store.done.missing(
                found.first, found.first + len(found.messages) - 1
            ):
                part = found.messages[first - found.first : last - found.first + 1]
                messages = [message for message in part if message is not None]
                if len(messages) == len(part):
                    blocks.append(encode_block(store.queue, first, messages))
    finally:
        file.close()
    blocks.append(encode_footer(store.queue, segment.last))
    _copy(directory, b"".join(blocks), segment.name + NEW)
    directory.rename(segment.name + NEW, segment.name)
    directory.sync()
    segment.damaged = False


def _copy(directory: Directory, octets: bytes, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        directory.unlink(name)
    file = directory.create(name)
    try:
        file.write(0, octets)
        file.sync()
    finally:
        file.close()
    directory.sync()
