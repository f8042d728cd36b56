"""Planned steps: JSON that reads back into the same types, and how long they take."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.errors import InputError
from halfopen.model.history import FILE_NAME, VERSION, read_history
from halfopen.model.messages import MessageShape
from halfopen.model.plan import Plan, PlannedCheck, PlannedHost, ScaledValue, plan_from_json
from halfopen.model.steps import (
    PlannedHeal,
    PlannedInject,
    PlannedSend,
    PlannedStart,
    PlannedStep,
    PlannedStop,
    PlannedWait,
    PlannedWaitUntil,
    seconds_of,
    step_from_json,
)

from ..records import record

names = st.text("abcdefgh -", min_size=1, max_size=12)
seconds = st.floats(0, 1e6, allow_nan=False)
plain = st.dictionaries(names, st.none() | st.integers() | seconds | names | st.lists(names))
common: dict[str, st.SearchStrategy[Any]] = {"text": st.text(max_size=40), "line": st.integers(0)}
steps = st.one_of(
    st.builds(
        PlannedSend,
        host=names,
        count=st.integers(1),
        every=seconds,
        background=st.booleans(),
        form=st.builds(MessageShape, st.integers(0, 7), st.integers(100, 8000)),
        **common,
    ),
    st.builds(PlannedWait, seconds=seconds, **common),
    st.builds(PlannedWaitUntil, until=names, at_most=seconds, **common),
    st.builds(
        PlannedInject,
        name=names,
        params=plain,
        lasts=seconds,
        stays=st.booleans(),
        options=st.none() | plain,
        when=st.none() | names,
        background=st.booleans(),
        until=st.none() | names,
        at_most=seconds,
        **common,
    ),
    st.builds(PlannedHeal, name=names, **common),
    st.builds(PlannedStop, host=names, **common),
    st.builds(PlannedStart, host=names, **common),
)


@given(st.lists(steps, max_size=8))
def test_the_steps_of_a_plan_read_back_into_the_same_types(planned: list[PlannedStep]) -> None:
    plan = Plan(
        scenario="s",
        file="s.yaml",
        variant="default",
        lab="netns",
        scale=60.0,
        seed=1,
        hosts=(PlannedHost("a", "tcp client"),),
        path=("a",),
        steps=tuple(planned),
        checks=(PlannedCheck("delivery", {}, "delivery"),),
        scaling=(ScaledValue("wait", 60.0, 1.0),),
    )
    assert plan_from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_every_type_of_the_union_reads_back() -> None:
    samples: list[PlannedStep] = [
        PlannedSend(text="", host="a", count=1),
        PlannedWait(text="", seconds=1),
        PlannedWaitUntil(text="", until="1 sent", at_most=1),
        PlannedInject(text="", name="kill", params={}),
        PlannedHeal(text="", name="kill"),
        PlannedStop(text="", host="a"),
        PlannedStart(text="", host="a"),
    ]
    assert {type(each) for each in samples} == set(get_args(PlannedStep))
    assert [step_from_json(asdict(each)) for each in samples] == samples


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        ({"kind": "wiat"}, "unknown kind of step 'wiat'; known: send, wait, wait until, inject"),
        ({"do": "wait", "args": {}}, "unknown kind of step None"),
        ({"kind": "wait", "text": ""}, "step 'wait': .* missing .* 'seconds'"),
        ({"kind": "heal", "text": "", "name": "kill", "at": "a"}, "step 'heal': .*'at'"),
    ],
)
def test_what_is_not_a_step(data: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        step_from_json(data)


def test_a_history_with_a_step_that_cannot_be_read_is_refused_with_its_line(tmp_path: Path) -> None:
    header = record(
        "header",
        version=VERSION,
        scenario="s",
        file="s.yaml",
        variant="default",
        lab="netns",
        scale=1.0,
        seed=0,
        started="2026-01-01T00:00:00+00:00",
        sample_s=0.25,
        plan={"steps": [{"do": "wait", "args": {}}]},
    )
    path = tmp_path / FILE_NAME
    path.write_text(json.dumps(header) + "\n")
    with pytest.raises(InputError, match=re.escape(f"{path}:1: unknown kind of step None")):
        read_history(tmp_path)


def test_what_keeps_the_next_step_waiting() -> None:
    send = PlannedSend(text="", host="a", count=20, every=0.5)
    assert seconds_of(send) == 10
    assert seconds_of(PlannedSend(text="", host="a", count=20, every=0.5, background=True)) == 0
    assert seconds_of(PlannedWait(text="", seconds=3)) == 3
    until = PlannedWaitUntil(text="", until="1 sent", at_most=40)
    assert (seconds_of(until), seconds_of(until, 0.25)) == (0, 10)
    assert seconds_of(PlannedStop(text="", host="a"), 0.25) == 0
