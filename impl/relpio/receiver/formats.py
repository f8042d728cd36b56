"""How received messages are written to a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

__all__ = ["FORMATS", "Format", "as_lines", "octet_counted"]

Format = Callable[[Sequence[bytes]], bytes]
"""Turns messages, at least one, into the bytes of a file."""


def as_lines(messages: Sequence[bytes]) -> bytes:
    """One message a line. LF and NUL inside a message become #012 and #000, as in rsyslog."""
    text = b"\n".join(messages)
    # One look at the whole batch is enough in the usual case.
    if text.count(b"\n") != len(messages) - 1 or b"\0" in text:
        text = b"\n".join(
            message.replace(b"\n", b"#012").replace(b"\0", b"#000") for message in messages
        )
    return text + b"\n"


def octet_counted(messages: Sequence[bytes]) -> bytes:
    """`LEN SP MSG` without a separator, after RFC 6587, 3.4.1: nothing is changed or lost."""
    sizes = map(len, messages)
    parts = tuple(chain.from_iterable(zip(sizes, messages, strict=True)))
    return (b"%d %b" * len(messages)) % parts


FORMATS: dict[str, Format] = {"line": as_lines, "octet-counted": octet_counted}
