"""What can still be read of a block whose header or tables are damaged.

The crc of a block says more than yes or no. CRC-32 is linear: what one damaged byte changes in it
depends only on the byte's place and on its change, so stepping the difference back through the
block, a byte at a time, finds the place at which one byte explains all of it. Damage to more than
one byte costs the messages whose length and checksum were hit: each of the others is found from
the front or from the back of the body, and proves itself by its own checksum.
"""

from __future__ import annotations

import struct
from itertools import accumulate
from zlib import crc32

from relpio.queue.records import (
    BLOCK_SIZE,
    MAX_BODY,
    MAX_COUNT,
    BlockHead,
    parse_block_head,
    parse_fields,
)

__all__ = ["mended_head", "rough_head", "salvaged_messages"]

_COUNT_AT = 4
_CRC_AT = BLOCK_SIZE - 4
_LINEAR = [crc32(bytes([value])) ^ crc32(b"\0") for value in range(256)]
_BY_TOP = {entry >> 24: value for value, entry in enumerate(_LINEAR)}  # each once


def mended_head(queue: int, octets: bytes) -> BlockHead | None:
    """Return header and tables of a block in which at most one byte is wrong, else None.

    `octets` begin with the block and hold its tables if there are that many.
    """
    if len(octets) < BLOCK_SIZE:
        return None
    as_it_stands, *others = _counts(octets)
    if 1 <= as_it_stands <= MAX_COUNT and BLOCK_SIZE + 8 * as_it_stands <= len(octets):
        head = _with_one_byte_changed(queue, bytearray(octets[: BLOCK_SIZE + 8 * as_it_stands]))
        if head is not None and len(head.lengths) == as_it_stands:
            return head
    for count in others:  # if the count was hit, nothing else was
        block = bytearray(octets[: BLOCK_SIZE + 8 * count])
        struct.pack_into("<I", block, _COUNT_AT, count)
        head = parse_block_head(queue, bytes(block))
        if head is not None:
            return head
    return None


def rough_head(octets: bytes) -> BlockHead | None:
    """Return header and tables as they stand, if a block of that extent is possible.

    Nothing in it is to be believed but by the checksums of the messages themselves.
    """
    if len(octets) < BLOCK_SIZE:
        return None
    (count,) = struct.unpack_from("<I", octets, _COUNT_AT)
    if not 1 <= count <= MAX_COUNT or BLOCK_SIZE + 8 * count > len(octets):
        return None
    head = parse_fields(octets[: BLOCK_SIZE + 8 * count])
    return head if head.first > 0 and (count == 1 or head.size <= MAX_BODY) else None


def salvaged_messages(head: BlockHead, body: bytes) -> list[bytes | None]:
    """Return the messages that prove themselves, None for each of the others.

    A wrong length shifts all that follows, seen from the front, and all before it, seen from the
    back; so each message is looked for from both.
    """
    shift = len(body) - sum(head.lengths)
    found: list[bytes | None] = []
    numbers = range(head.first, head.first + len(head.lengths))
    for end, length, number, check in zip(
        accumulate(head.lengths), head.lengths, numbers, head.checks, strict=True
    ):
        found.append(None)
        for stop in (end, end + shift):
            if not 0 <= stop - length <= stop <= len(body):
                continue
            message = body[stop - length : stop]
            if crc32(message, number & 0xFFFFFFFF) == check:
                found[-1] = message
                break
    return found


def _counts(octets: bytes) -> list[int]:
    """Return the counts that the header may have had: as it stands first, then a byte changed."""
    field = octets[_COUNT_AT : _COUNT_AT + 4]
    changed = (
        int.from_bytes(field[:place] + bytes([value]) + field[place + 1 :], "little")
        for place in range(4)
        for value in range(256)
    )
    others = (count for count in changed if 1 <= count <= MAX_COUNT)
    return [int.from_bytes(field, "little"), *others]


def _with_one_byte_changed(queue: int, block: bytearray) -> BlockHead | None:
    covered = bytes(block[:_CRC_AT] + block[BLOCK_SIZE:])
    (stored,) = struct.unpack_from("<I", block, _CRC_AT)
    actual = crc32(covered, queue & 0xFFFFFFFF)
    difference = stored ^ actual
    head = _believed(queue, block, actual)
    if difference == 0 or (head is not None and _in_one_byte(difference)):
        return head  # the crc itself was hit
    for place in range(len(covered) - 1, -1, -1):
        change = _BY_TOP[difference >> 24]
        if _LINEAR[change] == difference:
            mended = bytearray(block)
            mended[place if place < _CRC_AT else place + 4] ^= change
            return _believed(queue, mended, stored)
        difference = (((difference ^ _LINEAR[change]) << 8) | change) & 0xFFFFFFFF
    return None


def _believed(queue: int, block: bytearray, crc: int) -> BlockHead | None:
    struct.pack_into("<I", block, _CRC_AT, crc)
    return parse_block_head(queue, bytes(block))


def _in_one_byte(difference: int) -> bool:
    return any(difference & ~(0xFF << bits) == 0 for bits in (0, 8, 16, 24))
