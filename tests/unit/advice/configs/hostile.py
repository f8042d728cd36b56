"""Hostile forms of a configuration file that is right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from halfopen.advice.config_files import config_readers
from halfopen.advice.config_model import Source
from halfopen.errors import InputError
from tests.unit.advice.configs.reading import judge


def check_hostile(kind: str, text: str) -> None:
    """No cut, changed or repeated form of a file makes its reader crash.

    What is wrong is an InputError with a line of the file; what is read can be judged.
    """

    @given(
        st.integers(0, len(text)),
        st.integers(0, len(text)),
        st.text(max_size=6),
        st.sampled_from([1, 2, 300]),
    )
    def changed(start: int, end: int, new: str, times: int) -> None:
        _read(kind, text[:start] + new * times + text[end:])

    for cut in range(len(text)):
        _read(kind, text[:cut])
    changed()


def _read(kind: str, text: str) -> None:
    config_readers()[kind].recognises(text)
    lines = text.count("\n") + 1
    try:
        config_readers()[kind].system([Source("0.conf", text)])
        judged = judge(kind, text)
    except InputError as error:
        assert all(each.file == "0.conf" for each in error.problems), error
        assert all(1 <= each.line <= lines for each in error.problems), error
        return
    for each in judged:
        assert each.why
        assert 1 <= each.connection.line <= lines
        assert bool(each.diff) == bool(each.edits)
