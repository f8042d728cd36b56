"""Histories of many megabytes: read from the file again and again, and judged as in memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from halfopen.checkers import judge_history
from halfopen.model import history as module
from halfopen.model.history import FILE_NAME, History, read_history
from halfopen.model.recording import HistoryWriter
from halfopen.model.records import LogRecord, SocketsRecord
from halfopen.model.stored import REMEMBERED, StoredRecords
from halfopen.report._timeline import flow_rows, timeline

from ..report.incident import all_variants


def written(directory: Path, records: Any) -> Path:
    directory.mkdir(exist_ok=True)
    header, *rest = records
    with HistoryWriter(directory, header) as writer:
        for record in rest:
            writer.write(record)
    return directory


@pytest.mark.parametrize("number", range(4))
def test_a_history_that_is_not_remembered_gives_the_same_verdict_and_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    directory = written(tmp_path / "run", all_variants()[number][1].records)
    remembered = read_history(directory)
    monkeypatch.setattr(module, "REMEMBERED", 0)
    stored = read_history(directory)
    assert isinstance(stored.records, StoredRecords)
    assert isinstance(stored.of(SocketsRecord), StoredRecords)
    assert judge_history(stored) == judge_history(remembered)
    assert timeline(stored) == timeline(remembered)
    assert flow_rows(stored) == flow_rows(remembered)
    assert list(stored.records[1:3]) == list(remembered.records[1:3])
    assert stored.end == remembered.end


def test_reading_a_large_history_takes_a_small_part_of_its_size(tmp_path: Path) -> None:
    begun = all_variants()[1][1].records
    line = "x" * 4000
    many = (
        {
            "t": 0.001 * number,
            "kind": "log",
            "host": "sender",
            "process": "p",
            "event": {"event": "e", "text": line},
        }
        for number in range(3 * REMEMBERED // 4000)
    )
    directory = written(tmp_path / "run", [*begun[:-1], *many, begun[-1]])
    size = (directory / FILE_NAME).stat().st_size
    assert size > 2 * REMEMBERED
    tracemalloc.start()
    try:
        history = read_history(directory)
        lines = sum(1 for record in history.of(LogRecord) if record["event"].get("text") == line)
        _, highest = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert lines == 3 * REMEMBERED // 4000
    assert isinstance(history, History)
    assert highest < size / 10
