"""Lines through the gate, in pieces of any size."""

from __future__ import annotations

import pytest

from halfopen.labs.warp.gate import END, Turns, turn


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_and_the_mark_after_them(size: int) -> None:
    moment = 4500.000000001
    data = b'{"do":"a"}\n{"do":"b"}\n' + turn(moment)
    turns, lines, marks = Turns(), list[bytes](), list[bytes]()
    for start in range(0, len(data), size):
        some, mark = turns.feed(data[start : start + size])
        lines += some
        marks += [] if mark is None else [mark]
    assert lines == [b'{"do":"a"}\n', b'{"do":"b"}\n']
    assert [float(each) for each in marks] == [moment]


def test_the_end() -> None:
    assert Turns().feed(END) == ([], b"end")
