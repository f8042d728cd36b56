"""Loops that touch every message: compiled when that part was built, otherwise in Python.

`pure` is the reference. `_compiled` (the C files, against Python's stable ABI) does the same byte
for byte, which property tests hold. It is optional: without a compiler at build time it is absent.
The environment variable `RELPIO_PURE=1` leaves it unused.

Attributes:
    COMPILED: whether the compiled part is in use.
"""

from __future__ import annotations

import os

from relpio.loops import pure

__all__ = [
    "COMPILED",
    "PURE_VARIABLE",
    "checksums",
    "count_acks",
    "encode_acks",
    "encode_messages",
    "join_lines",
    "split_lines",
    "take_messages",
]

PURE_VARIABLE = "RELPIO_PURE"
"""Set to anything but an empty text or 0, it selects the loops in Python."""

COMPILED = False

take_messages = pure.take_messages
count_acks = pure.count_acks
encode_messages = pure.encode_messages
encode_acks = pure.encode_acks
join_lines = pure.join_lines
checksums = pure.checksums
split_lines = pure.split_lines

if os.environ.get(PURE_VARIABLE, "0") in ("", "0"):
    try:
        from relpio.loops import _compiled

        loops = (
            _compiled.take_messages,
            _compiled.count_acks,
            _compiled.encode_messages,
            _compiled.encode_acks,
            _compiled.join_lines,
            _compiled.checksums,
            _compiled.split_lines,
        )
    except (ImportError, AttributeError):  # not built, or for another platform or version
        pass
    else:
        COMPILED = True
        (
            take_messages,
            count_acks,
            encode_messages,
            encode_acks,
            join_lines,
            checksums,
            split_lines,
        ) = loops
