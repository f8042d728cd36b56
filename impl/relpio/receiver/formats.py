"""How received messages are written to a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from relpio.loops import join_lines

__all__ = ["FORMATS", "Format", "as_lines", "octet_counted"]

Format = Callable[[Sequence[bytes]], bytes]
"""Turns messages, at least one, into the bytes of a file."""


def as_lines(messages: Sequence[bytes]) -> bytes:
    """One message a line. LF and NUL inside a message become #012 and #000, as in rsyslog."""
    return join_lines(messages)


def octet_counted(messages: Sequence[bytes]) -> bytes:
    """`LEN SP MSG` without a separator, after RFC 6587, 3.4.1: nothing is changed or lost."""
    sizes = map(len, messages)
    parts = tuple(chain.from_iterable(zip(sizes, messages, strict=True)))
    return (b"%d %b" * len(messages)) % parts


FORMATS: dict[str, Format] = {"line": as_lines, "octet-counted": octet_counted}
