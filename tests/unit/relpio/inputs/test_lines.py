"""Splitting a stream into lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio import (
    InputError,
)
from relpio.inputs.lines import LineSplitter

if TYPE_CHECKING:
    pass


@given(st.lists(st.binary(max_size=12), max_size=8), st.integers(1, 9))
def test_lines_however_the_input_is_cut(chunks: list[bytes], size: int) -> None:
    data = b"\n".join(chunks)
    splitter, lines = LineSplitter("input", 1000), []
    for at in range(0, len(data), size):
        found, error = splitter.feed(data[at : at + size])
        assert error is None
        lines += found
    lines += splitter.finish()
    assert lines == (data[:-1] if data.endswith(b"\n") else data).split(b"\n")[: len(lines)]
    assert len(lines) == data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


@pytest.mark.parametrize("chunks", [[b"a\nb\nxxxxxx\nc\n"], [b"a\nb\nxxx", b"xxx"],
                                    [b"a\nb\nxxxx", b"xx\nc\n"]])  # fmt: skip
def test_a_line_above_the_limit_is_named_and_those_before_it_count(chunks: list[bytes]) -> None:
    splitter, lines, errors = LineSplitter("app.log", 5), list[bytes](), list[InputError]()
    for chunk in chunks:
        found, error = splitter.feed(chunk)
        lines += found
        if error is not None:
            errors.append(error)
            break
    assert lines == [b"a", b"b"]
    assert "app.log: line 3 is longer than 5 bytes" in str(errors[0])
