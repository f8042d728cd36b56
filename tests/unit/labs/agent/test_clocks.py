"""The offset at which a host's clock shows a time of the day."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from halfopen.labs.agent.actions.clocks import step_clock
from halfopen.verbs import StepClock


def shown(directory: Path, *steps: StepClock) -> float:
    """The offset that libfaketime is given after `steps`."""
    kept: dict[Any, Any] = {}
    sandbox = cast("Any", SimpleNamespace(kept=kept, directory=lambda host: directory / host))
    for step in steps:
        asyncio.run(step_clock(step, sandbox))
    return float((directory / "sender/clock").read_text())


def seconds_of_day(offset: float) -> int:
    then = time.localtime(time.time() + offset)
    return then.tm_hour * 3600 + then.tm_min * 60 + then.tm_sec


@pytest.mark.parametrize("of_day", [0.0, 28770.0, 86399.0])
def test_a_clock_is_set_forward_to_a_time_of_the_day(tmp_path: Path, of_day: float) -> None:
    offset = shown(tmp_path, StepClock("sender", to=of_day))
    assert 0 <= offset < 86400
    assert (seconds_of_day(offset) - of_day) % 86400 <= 60  # of the test's own time


def test_it_counts_from_where_the_clock_was_set_before(tmp_path: Path) -> None:
    first = shown(tmp_path, StepClock("sender", to=28770.0))
    both = shown(tmp_path, StepClock("sender", to=28770.0), StepClock("sender", to=43200.0))
    assert both - first == pytest.approx(43200 - 28770, abs=60)
    back = shown(tmp_path, StepClock("sender", to=43200.0), StepClock("sender", by=-3600.0))
    assert (seconds_of_day(back) - 39600) % 86400 <= 60
