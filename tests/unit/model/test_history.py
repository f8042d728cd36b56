"""Histories: written line by line, read as far as they go, and checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.errors import InputError
from halfopen.model.history import (
    FILE_NAME,
    VERSION,
    History,
    compress,
    expand,
    read_history,
)
from halfopen.model.records import EndRecord, HeaderRecord, SentRecord

from ..records import record

HEADER = record(
    "header",
    version=VERSION,
    scenario="a test",
    file="a.scenario.yaml",
    variant="default",
    lab="netns",
    scale=600,
    seed=0,
    started="2026-01-01T00:00:00+00:00",
    sample_s=0.25,
    plan={},
)
SCALED = cast(HeaderRecord, {**HEADER, "scale": 60.0})


def sent(number: int, t: float = 1.0) -> Any:
    return record("sent", t, host="a", seqs=[[number, number]])


def write(directory: Path, *lines: object) -> None:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (directory / FILE_NAME).write_text("\n".join(texts), encoding="utf-8")


def refusal(directory: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_history(directory)
    return str(caught.value)


@given(st.lists(st.integers(min_value=1, max_value=50)))
def test_runs_keep_every_number_and_its_order(numbers: list[int]) -> None:
    assert list(expand(compress(numbers))) == numbers


def test_a_history_that_was_cut_in_a_line_is_read_up_to_there(tmp_path: Path) -> None:
    write(tmp_path, HEADER, sent(1), '{"t": 2.0, "ki')
    history = read_history(tmp_path)
    assert [r["kind"] for r in history.records] == ["header", "sent"]
    assert not history.complete


@given(st.integers(min_value=0, max_value=700))
def test_a_history_that_was_cut_anywhere_is_read_or_has_no_header(cut: int) -> None:
    text = "\n".join(map(json.dumps, [HEADER, *map(sent, range(3))]))
    records = []
    for line in text[:cut].split("\n"):
        try:
            records.append(json.loads(line))
        except ValueError:
            break
    if records:
        assert History(records).scale == 600
    else:
        with pytest.raises(ValueError, match="no header"):
            History(records)


def test_damage_in_the_middle_of_a_history_is_not_passed_over(tmp_path: Path) -> None:
    write(tmp_path, HEADER, "rubbish", sent(1))
    assert refusal(tmp_path).startswith(f"{tmp_path / FILE_NAME}:2: not a JSON record")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            {"t": 1.0, "kind": "sockets", "host": "a"},
            "record 'sockets': field 'sockets' is missing",
        ),
        ({"kind": "lab", "problem": "x"}, "record 'lab': field 't' is missing"),
        ({"t": 1.0, "kind": "sokets"}, "unknown record kind 'sokets'; did you mean 'sockets'?"),
        ({"t": 1.0}, "a record must have a kind"),
        ([], "a record must be a JSON object"),
        (
            {"t": "1", "kind": "lab", "problem": "x"},
            "record 'lab': field 't' is '1'; expected a number",
        ),
        (
            {"t": 1.0, "kind": "sent", "host": "a", "seqs": [[1, "2"]]},
            "record 'sent': field 'seqs'[0][1] is '2'; expected a whole number",
        ),
        (
            {"t": 1.0, "kind": "sent", "host": "a", "seqs": 3},
            "record 'sent': field 'seqs' is 3; expected a list",
        ),
        (
            {"t": 1.0, "kind": "sockets", "host": "a", "sockets": [{"local": "a:1", "peer": ""}]},
            "record 'sockets': field 'sockets'[0]: field 'state' is missing",
        ),
        (
            {"t": 1.0, "kind": "end", "reason": "done", "detail": ""},
            "record 'end': field 'reason' is 'done'; expected 'complete' or 'interrupted' or",
        ),
    ],
)
def test_what_is_not_a_record_is_named_with_its_line(
    tmp_path: Path, line: object, words: str
) -> None:
    write(tmp_path, HEADER, line, sent(1), "")
    assert refusal(tmp_path).startswith(f"{tmp_path / FILE_NAME}:2: {words}")


def test_fields_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, {**HEADER, "mood": "good"}, {**sent(1), "colour": 3})
    assert len(read_history(tmp_path).records) == 2


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "the history has no header"),
        ([sent(1)], "the history has no header"),
        ([{**HEADER, "version": 7}], "history version 7 is of a later halfopen; this one reads"),
        ([{**HEADER, "version": 1}], "history version 1 is of an earlier halfopen, which recorded"),
    ],
)
def test_a_history_without_a_usable_header_is_refused(
    tmp_path: Path, lines: list[object], words: str
) -> None:
    write(tmp_path, *lines)
    assert refusal(tmp_path).startswith(f"{tmp_path / FILE_NAME}:1: {words}")


def test_records_are_found_by_their_definition_and_fields() -> None:
    other = record("sent", 2.0, host="b", seqs=[[2, 2]])
    history = History([HEADER, sent(1), other])
    assert history.of(SentRecord) == [sent(1), other]
    assert history.of(SentRecord, host="b") == [other]
    assert history.of(EndRecord) == []
    assert history.end is None


def test_production_time_counts_from_the_first_step() -> None:
    step = record("step", 2.0, index=0, text="wait", line=3, state="begin")
    end = record("end", 5.0, reason="complete", detail="")
    history = History([SCALED, record("engine", 1.0, host="a"), step, end])
    assert history.production_s == 180
    assert history.moment(4.0) == 120
    assert history.moment(1.0) == -60


def test_a_run_that_never_began_lasted_nothing() -> None:
    end = record("end", 5.0, reason="error", detail="no program")
    assert History([SCALED, end]).production_s == 0
