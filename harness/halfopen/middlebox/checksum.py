"""The Internet checksum (RFC 1071), made and corrected.

The one's complement sum of 16-bit words is the number that the bytes make, modulo 65535: one
division of a long integer, which Python does in C.
"""

from __future__ import annotations

from typing import Final

_ONES: Final = 0xFFFF


def words(data: bytes | bytearray | memoryview) -> int:
    """The one's complement sum of the 16-bit words of `data`, modulo 65535; odd: padded with 0."""
    total = int.from_bytes(data, "big")
    return (total << 8 if len(data) % 2 else total) % _ONES


def checksum(*parts: bytes | bytearray | memoryview) -> int:
    """The checksum over `parts`, all but the last of an even number of bytes.

    A field of the checksum itself among them counts as it is: set it to zero before.
    """
    # A sum of 0 modulo 65535 is 0xffff in one's complement, unless all is zero, which no header is.
    total = sum(words(part) for part in parts) % _ONES
    return _ONES - (total or _ONES)


def corrected(old: int, before: int, after: int) -> int:
    """The checksum `old` after words that summed up to `before` sum up to `after` (RFC 1624).

    Wrong checksums stay wrong: nobody's damage is repaired.
    """
    total = (_ONES - old + after - before) % _ONES
    return _ONES - (total or _ONES)
