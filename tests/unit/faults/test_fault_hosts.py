"""The faults of programs, disks, names and clocks: what they come to, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from halfopen.faults import all_faults
from halfopen.fields import Bytes, Shift, WrittenInt
from halfopen.verbs import (
    DrainBacklog,
    FillBacklog,
    FillDisk,
    LimitMemory,
    ReplaceProgram,
    RestartProgram,
    RestoreProgram,
    SetDiskReadOnly,
    SetDnsBehaviour,
    SlowDisk,
    StepClock,
    TruncateFile,
    verb_from_json,
    verb_to_json,
)

AT = {"at": "receiver"}
FAULTS: list[tuple[str, dict[str, Any], list[Any], list[Any]]] = [
    ("torn write", {**AT, "file": "**/*.seg"}, [TruncateFile("receiver", "**/*.seg", 8)], []),
    ("restart", AT, [RestartProgram("receiver", True, 0.0)], []),
    (
        "restart",
        {**AT, "how": "kill", "down for": "20 s"},
        [RestartProgram("receiver", False, 20.0)],
        [],
    ),
    (
        "upgrade",
        {**AT, "options": {"keepalive": "off"}, "down for": "5 s"},
        [RestartProgram("receiver", True, 5.0)],
        [],
    ),
    (
        "misbehaving receiver",
        {**AT, "does": "closes at once"},
        [ReplaceProgram("receiver", "closes at once")],
        [RestoreProgram("receiver")],
    ),
    ("backlog full", AT, [FillBacklog("receiver")], [DrainBacklog("receiver")]),
    (
        "dns failure",
        {**AT, "with": "no such name"},
        [SetDnsBehaviour("receiver", "no such name")],
        [SetDnsBehaviour("receiver", "right")],
    ),
    (
        "memory limit",
        {**AT, "limit": "64 MiB"},
        [LimitMemory("receiver", 64 << 20)],
        [LimitMemory("receiver", None)],
    ),
    ("disk full", AT, [FillDisk("receiver", 0)], [FillDisk("receiver", None)]),
    (
        "disk full",
        {**AT, "free": "16 KiB"},
        [FillDisk("receiver", 16384)],
        [FillDisk("receiver", None)],
    ),
    ("slow disk", {**AT, "by": "200 ms"}, [SlowDisk("receiver", 0.2)], [SlowDisk("receiver", 0.0)]),
    (
        "read-only disk",
        AT,
        [SetDiskReadOnly("receiver", True)],
        [SetDiskReadOnly("receiver", False)],
    ),
    ("clock step", {**AT, "by": "-1 h"}, [StepClock("receiver", -3600.0)], []),
    ("clock step", {**AT, "by": "1 d"}, [StepClock("receiver", 86400.0)], []),
    ("clock step", {**AT, "to": "07:59:30"}, [StepClock("receiver", 0.0, 28770.0)], []),
    ("clock step", {**AT, "to": "00:00"}, [StepClock("receiver", 0.0, 0.0)], []),
]


@pytest.mark.parametrize(("name", "params", "verbs", "heal"), FAULTS)
def test_a_fault_of_a_host_is_compiled_to_verbs(
    name: str, params: Any, verbs: Any, heal: Any
) -> None:
    spec = all_faults()[name]
    read = spec.model_validate(params)
    assert list(read.verbs()) == verbs
    assert list(read.heal()) == heal
    assert read.hosts() == ("receiver",)
    assert spec.model_validate(read.model_dump(mode="json")) == read
    for verb in read.every_verb():
        assert verb_from_json(verb_to_json(verb)) == verb


def test_a_restart_takes_as_long_as_the_program_is_down() -> None:
    assert RestartProgram("receiver", down=70.0).duration_s == 70.0
    assert FillDisk("receiver", 0).duration_s == 0.0


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("restart", {**AT, "how": "gently"}),
        ("restart", {**AT, "down for": "20"}),
        ("upgrade", AT),
        ("upgrade", {**AT, "options": {}}),
        ("misbehaving receiver", AT),
        ("misbehaving receiver", {**AT, "does": "sings"}),
        ("dns failure", {**AT, "with": "right"}),
        ("memory limit", AT),
        ("memory limit", {**AT, "limit": "64"}),
        ("memory limit", {**AT, "limit": "0 bytes"}),
        ("disk full", {**AT, "free": "-1 MiB"}),
        ("slow disk", {**AT, "by": "0 s"}),
        ("slow disk", {**AT, "by": "2 h"}),
        ("clock step", {**AT, "by": "0 s"}),
        ("clock step", AT),
        ("clock step", {**AT, "by": "1 h", "to": "08:00"}),
        ("clock step", {**AT, "to": "24:00"}),
        ("clock step", {**AT, "to": "8 o'clock"}),
        ("clock step", {**AT, "by": "- -1 h"}),
        ("clock step", {**AT, "by": "soon"}),
        ("clock step", {**AT, "by": "400000 d"}),
    ],
)
def test_wrong_parameters_of_a_host_fault_are_refused(name: str, params: Any) -> None:
    with pytest.raises(ValidationError):
        all_faults()[name].model_validate(params)


@given(
    st.integers(1, 4096),
    st.sampled_from([("KiB", 1024), ("MiB", 1 << 20), ("GiB", 1 << 30), ("bytes", 1)]),
)
def test_bytes_are_read_as_they_are_written(number: int, unit: tuple[str, int]) -> None:
    read = TypeAdapter(Bytes).validate_python
    assert read(f"{number} {unit[0]}") == number * unit[1] == read(number * unit[1])


def test_a_number_without_a_unit_is_refused_in_a_file_but_zero() -> None:
    read = TypeAdapter(Bytes).validate_python
    assert read(WrittenInt(0)) == 0
    with pytest.raises(ValidationError, match="has no unit; write for example 4096 bytes"):
        read(WrittenInt(4096))


@given(st.text(max_size=12))
def test_no_text_breaks_the_reading_of_bytes_and_shifts(text: str) -> None:
    for kind in (Bytes, Shift):
        try:
            value = TypeAdapter(kind).validate_python(text)
        except ValidationError:
            continue
        assert isinstance(value, int | float)


@given(st.integers(1, 10_000), st.sampled_from([("s", 1), ("min", 60), ("h", 3600)]))
def test_a_shift_has_a_direction(number: int, unit: tuple[str, int]) -> None:
    read = TypeAdapter(Shift).validate_python
    text = f"{number} {unit[0]}"
    assert read(text) == read(f"+{text}") == -read(f"-{text}") == number * unit[1]
