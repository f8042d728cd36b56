"""Reading a segment, whatever is in it."""

from __future__ import annotations

from typing import NamedTuple

from relpio.queue.files import File
from relpio.queue.records import (
    BLOCK_MAGIC,
    BLOCK_SIZE,
    END_MAGIC,
    FOOTER,
    HEADER,
    LONGEST_TABLES,
    BlockHead,
    block_extent,
    parse_block_head,
    parse_footer,
    parse_header,
    split_body,
)
from relpio.queue.salvage import mended_head, rough_head, salvaged_messages

__all__ = ["Found", "SegmentReader", "name_of", "number_of"]

CHUNK = 256 * 1024
"""Bytes read at once."""

_SUFFIX = ".seg"


def name_of(first: int) -> str:
    """Return the name of the segment that begins with this number; names sort as numbers do."""
    return f"{first:020d}{_SUFFIX}"


def number_of(name: str) -> int | None:
    """Return the first number of a segment by its name, or None when it is no such name."""
    digits = name.removesuffix(_SUFFIX)
    if len(digits) != 20 or not (digits.isascii() and digits.isdigit()):
        return None
    number = int(digits)
    return number if number and name == name_of(number) else None


class Found(NamedTuple):
    """A block, or a stretch that is none.

    Attributes:
        offset: where it begins in the segment.
        end: where it ends.
        first: number of the first message; 0 when this is no block.
        messages: in order, None for each damaged one.
        whole: the block does not end before it should.
        mended: its header or tables are damaged, and the messages were found all the same.
    """

    offset: int
    end: int
    first: int
    messages: list[bytes | None]
    whole: bool
    mended: bool = False


class SegmentReader:
    """Goes through a segment block by block.

    It holds a chunk, or a block if that is longer, in memory. After damage it goes on with the next
    block whose header and tables are right.
    """

    def __init__(self, file: File, queue: int, offset: int = HEADER) -> None:
        """Begin at `offset`, which is where a block begins."""
        self._file = file
        self._queue = queue
        self.offset = offset
        self._chunk = b""
        self._chunk_at = 0

    def header(self) -> tuple[int, int] | None:
        """Return queue and first number, or None when the header is damaged."""
        return parse_header(self._octets(0, HEADER))

    def next(self, limit: int) -> Found | None:
        """Return what comes next in the first `limit` bytes, and go behind it; None at the end."""
        at = self.offset
        if at >= limit:
            return None
        octets = self._octets(at, min(BLOCK_SIZE, limit - at))
        if at + FOOTER == limit and parse_footer(self._queue, octets) is not None:
            return None
        head = self._head(at, limit)
        if head is None:
            salvaged = self._salvage(at, limit)
            if salvaged is not None:
                self.offset = salvaged.end
                return salvaged
            self.offset = self._next_block(at + 1, limit)
            return Found(at, self.offset, 0, [], True)
        begin = at + head.length - head.size
        end = min(at + head.length, limit)
        self.offset = max(end, begin)
        messages = split_body(head, self._octets(begin, end - begin) if end > begin else b"")
        return Found(at, self.offset, head.first, messages, end == at + head.length)

    def _head(self, at: int, limit: int) -> BlockHead | None:
        extent = block_extent(self._octets(at, min(BLOCK_SIZE, limit - at)))
        if extent is None or at + extent > limit:
            return None
        return parse_block_head(self._queue, self._octets(at, extent))

    def _salvage(self, at: int, limit: int) -> Found | None:
        """Return what a damaged block at `at` still holds; None: nothing that proves itself.

        Messages prove their numbers, not their queue: that, only the crc of the block or the
        header of the segment can say.
        """
        header = self.header()
        if header is not None and header[0] != self._queue:
            return None
        octets = self._octets(at, min(LONGEST_TABLES, limit - at))
        rough = rough_head(octets) if header is not None else None
        for head in (mended_head(self._queue, octets), rough):
            if head is None or at + head.length > limit:
                continue
            end = at + head.length
            messages = salvaged_messages(head, self._octets(end - head.size, head.size))
            if any(message is not None for message in messages):
                if not self._begins(end, limit):
                    end = self._next_block(at + 1, limit)
                return Found(at, end, head.first, messages, True, True)
        return None

    def _begins(self, at: int, limit: int) -> bool:
        """Return whether a block, the footer or the end is at `at`."""
        return at == limit or self._octets(at, 4) in (BLOCK_MAGIC, END_MAGIC)

    def _next_block(self, at: int, limit: int) -> int:
        """Return where the next block begins, or where the search ends: at the footer or limit."""
        end = limit
        if at + FOOTER <= limit:
            tail = self._file.read(limit - FOOTER, FOOTER)
            if parse_footer(self._queue, tail) is not None:
                end = limit - FOOTER
        while at < end:
            octets = self._octets(at, min(CHUNK, end - at))
            if not octets:
                return end
            place = octets.find(BLOCK_MAGIC)
            if place < 0:
                # The magic may lie across the end of what was read.
                at += max(1, len(octets) - len(BLOCK_MAGIC) + 1)
            elif self._head(at + place, end) is not None:
                return at + place
            else:
                at += place + 1
        return end

    def _octets(self, offset: int, size: int) -> bytes:
        begin = offset - self._chunk_at
        if begin < 0 or begin + size > len(self._chunk):
            self._chunk = self._file.read(offset, max(size, CHUNK))
            self._chunk_at, begin = offset, 0
        return self._chunk[begin : begin + size]
