"""Formats of an output file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from relpio import (
    as_lines,
    octet_counted,
)

if TYPE_CHECKING:
    pass


def test_line_format_is_one_line_a_message() -> None:
    assert as_lines([b"a"]) == b"a\n"
    assert as_lines([b"a", b"", b"b"]) == b"a\n\nb\n"
    assert as_lines([b"a\nb", b"c\0"]) == b"a#012b\nc#000\n"
    assert as_lines([b"a\n", b"\t#012"]) == b"a#012\n\t#012\n"


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5))
def test_octet_counting_loses_nothing(messages: list[bytes]) -> None:
    stream, found = octet_counted(messages), []
    while stream:
        size, _, rest = stream.partition(b" ")
        found.append(rest[: int(size)])
        stream = rest[int(size) :]
    assert found == messages
    assert as_lines(messages).count(b"\n") == len(messages)
