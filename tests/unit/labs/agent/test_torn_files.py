"""The end of a file is cut off: which file, how much, and when that is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from halfopen.errors import LabError
from halfopen.labs.agent.actions import torn_files
from halfopen.verbs import TruncateFile


def sandbox(disk: Path, *pids: int | None) -> Any:
    """One whose program has these process ids, one look after the other; the last one stays."""
    left = list(pids)

    class Program:
        @property
        def pid(self) -> int | None:
            return left.pop(0) if len(left) > 1 else left[0]

    program = Program()
    return cast(Any, SimpleNamespace(disk=lambda _: disk, program=lambda _: program))


def tear(verb: TruncateFile, where: Any) -> int:
    return asyncio.run(torn_files.tear_file(verb, where)).counts["bytes"]


def test_the_last_file_that_is_not_empty_loses_its_end(tmp_path: Path) -> None:
    (tmp_path / "queue").mkdir()
    for name, text in (("01.seg", "first"), ("02.seg", "second"), ("03.seg", ""), ("lock", "x")):
        (tmp_path / "queue" / name).write_text(text)
    cut = tear(TruncateFile("sender", "**/*.seg", 2), sandbox(tmp_path, None))
    assert cut == 2
    left = {path.name: path.read_text() for path in (tmp_path / "queue").iterdir()}
    assert left == {"01.seg": "first", "02.seg": "seco", "03.seg": "", "lock": "x"}


def test_a_file_that_is_shorter_is_empty_then(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("abc")
    assert tear(TruncateFile("sender", "*", 8), sandbox(tmp_path, None)) == 3
    assert (tmp_path / "a").read_text() == ""


def test_a_program_that_was_killed_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("abc")
    assert tear(TruncateFile("sender", "a", 1), sandbox(tmp_path, 7, 7, 7, None)) == 1


def test_a_program_that_runs_keeps_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torn_files, "_END_S", 0.05)
    (tmp_path / "a").write_text("abc")
    with pytest.raises(LabError, match=r"still running.*stop or kill it"):
        tear(TruncateFile("sender", "a", 1), sandbox(tmp_path, 7))
    assert (tmp_path / "a").read_text() == "abc"


def test_a_pattern_that_fits_nothing_says_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("abc")
    with pytest.raises(LabError, match=r"matches '\*\.seg' and is not empty; its files: b"):
        tear(TruncateFile("sender", "*.seg", 1), sandbox(tmp_path, None))
