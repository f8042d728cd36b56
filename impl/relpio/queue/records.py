"""What is in a segment, byte by byte.

    segment = header block* [footer]
    header  = "relpioQ1" queue:u64 first:u64 zero:u32 crc:u32
    block   = "RqB1" count:u32 first:u64 size:u32 crc:u32  length:u32{count} check:u32{count}  body
    footer  = "RqE1" zero:u32  last:u64  zero:u32 crc:u32

All numbers are little-endian. A block holds `count` messages with the numbers from `first` on, one
after the other in `body` of `size` bytes. Each message has its own length and its own CRC-32,
which begins with the message's number (its lower 32 bits): a message never passes for another one.
The crc of a block covers its header and both tables, that of the others what stands before it; it
begins with the queue's own number, so that segments of different queues do not mix. A sealed
segment ends in a footer with the number of its last message.

A table of lengths and a table of checksums, instead of a header for each message, let the
interpreter's own loops do the work for all messages of a block at once.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple
from zlib import crc32

from relpio.loops import checksums

__all__ = [
    "BLOCK_SIZE",
    "FOOTER",
    "HEADER",
    "BlockHead",
    "encode_block",
    "encode_footer",
    "encode_header",
    "other_format",
    "parse_block_head",
    "parse_footer",
    "parse_header",
    "split_body",
]

_HEADER = struct.Struct("<8sQQII")
_BLOCK = struct.Struct("<4sIQII")
_CRC = struct.Struct("<I")
HEADER = _HEADER.size
FOOTER = BLOCK_SIZE = _BLOCK.size
_MAGIC = b"relpioQ1"
BLOCK_MAGIC = b"RqB1"
END_MAGIC = b"RqE1"

MAX_COUNT = 4096
"""Most messages in a block: what is lost with a block's header."""

MAX_BODY = 256 * 1024
"""Most bytes in a block of several messages."""

LONGEST_TABLES = BLOCK_SIZE + 8 * MAX_COUNT
"""Bytes of the longest header with its tables."""

_SWAP = sys.byteorder == "big"


class BlockHead(NamedTuple):
    """The header and tables of a block that belong together.

    Attributes:
        first: number of the first message.
        lengths: of the messages in bytes.
        checks: their checksums.
        size: bytes of the body.
    """

    first: int
    lengths: array[int]
    checks: array[int]
    size: int

    @property
    def last(self) -> int:
        """Number of the last message."""
        return self.first + len(self.lengths) - 1

    @property
    def length(self) -> int:
        """Bytes of the whole block."""
        return BLOCK_SIZE + 8 * len(self.lengths) + self.size


def encode_header(queue: int, first: int) -> bytes:
    """Return the beginning of a segment."""
    head = _HEADER.pack(_MAGIC, queue, first, 0, 0)[:-4]
    return head + struct.pack("<I", crc32(head))


def parse_header(data: bytes) -> tuple[int, int] | None:
    """Return queue and first number, or None when that is no beginning of a segment."""
    if len(data) < HEADER:
        return None
    magic, queue, first, _, crc = _HEADER.unpack_from(data)
    if magic != _MAGIC or crc32(data[: HEADER - 4]) != crc:
        return None
    return queue, first


def other_format(data: bytes) -> str | None:
    """Return the format's version if this is the beginning of a segment of another version.

    The header keeps its extent and its crc in every version, so that a damaged one is not taken
    for a later one.
    """
    magic, crc = data[: len(_MAGIC)], data[HEADER - 4 : HEADER]
    if magic == _MAGIC or magic[:-1] != _MAGIC[:-1]:
        return None
    if struct.pack("<I", crc32(data[: HEADER - 4])) != crc:
        return None
    return magic[-1:].decode("ascii", "backslashreplace")


def encode_footer(queue: int, last: int) -> bytes:
    """Return the end of a sealed segment."""
    head = _BLOCK.pack(END_MAGIC, 0, last, 0, 0)[:-4]
    return head + struct.pack("<I", crc32(head, queue))


def parse_footer(queue: int, data: bytes) -> int | None:
    """Return the last number, or None when that is no end of a sealed segment."""
    if len(data) != FOOTER or data[:4] != END_MAGIC:
        return None
    last: int
    _, _, last, _, crc = _BLOCK.unpack(data)
    return last if crc32(data[:-4], queue) == crc else None


def encode_block(queue: int, first: int, messages: Sequence[bytes]) -> bytes:
    """Return a block of messages with the numbers from `first` on."""
    count = len(messages)
    lengths = array("I", map(len, messages))
    size = sum(lengths)
    tables = _table_octets(lengths) + checksums(messages, first)
    head = _BLOCK.pack(BLOCK_MAGIC, count, first, size, 0)[:-4]
    crc = crc32(tables, crc32(head, queue))
    return b"".join((head, struct.pack("<I", crc), tables, *messages))


def split_messages(messages: Sequence[bytes]) -> list[Sequence[bytes]]:
    """Cut a batch so that each part fits a block."""
    if len(messages) <= MAX_COUNT and sum(map(len, messages)) <= MAX_BODY:
        return [messages]
    parts: list[Sequence[bytes]] = []
    begin = size = 0
    for at, message in enumerate(messages):
        size += len(message)
        if at > begin and (size > MAX_BODY or at - begin == MAX_COUNT):
            parts.append(messages[begin:at])
            begin, size = at, len(message)
    parts.append(messages[begin:])
    return parts


def block_extent(data: bytes) -> int | None:
    """Return how long header and tables of a block are, from its first bytes; None: no block."""
    if len(data) < BLOCK_SIZE or data[:4] != BLOCK_MAGIC:
        return None
    count: int
    _, count, _, size, _ = _BLOCK.unpack_from(data)
    if not 1 <= count <= MAX_COUNT or (count > 1 and size > MAX_BODY):
        return None
    return BLOCK_SIZE + 8 * count


def parse_block_head(queue: int, data: bytes) -> BlockHead | None:
    """Return header and tables from bytes that begin with them, or None when they are damaged."""
    extent = block_extent(data)
    if extent is None or len(data) < extent:
        return None
    (crc,) = _CRC.unpack_from(data, BLOCK_SIZE - 4)
    if crc32(data[BLOCK_SIZE:extent], crc32(data[: BLOCK_SIZE - 4], queue)) != crc:
        return None
    head = parse_fields(data[:extent])
    return head if sum(head.lengths) == head.size and head.first > 0 else None


def parse_fields(data: bytes) -> BlockHead:
    """Return header and tables, which are all of `data`, without a look at the crc."""
    _, count, first, size, _ = _BLOCK.unpack_from(data)
    middle = BLOCK_SIZE + 4 * count
    return BlockHead(first, _table(data[BLOCK_SIZE:middle]), _table(data[middle:]), size)


def split_body(head: BlockHead, body: bytes) -> list[bytes | None]:
    """Return the messages in a body, which may be cut short; None for each damaged one."""
    ends = list(accumulate(head.lengths))
    messages = [body[end - length : end] for end, length in zip(ends, head.lengths, strict=True)]
    numbers = range(head.first, head.first + len(messages))
    if len(body) >= head.size and checksums(messages, head.first) == _table_octets(head.checks):
        return list(messages)
    return [
        message if len(message) == length and crc32(message, number) == check else None
        for message, length, number, check in zip(
            messages, head.lengths, numbers, head.checks, strict=True
        )
    ]


def _table_octets(table: array[int]) -> bytes:
    if _SWAP:
        table = array("I", table)
        table.byteswap()
    return table.tobytes()


def _table(octets: bytes) -> array[int]:
    table = array("I")
    table.frombytes(octets)
    if _SWAP:
        table.byteswap()
    return table
