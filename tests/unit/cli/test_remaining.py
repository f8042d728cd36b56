"""How long runs take together, and how much is left while they go on."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from halfopen.cli.progress import progress_for
from halfopen.cli.remaining import Remaining
from halfopen.model.plan import Plan
from halfopen.model.steps import PlannedWait
from halfopen.runner.estimate import announcement, scheduled_s

from ..records import record


def plan(variant: str, seconds: float, lab: str = "netns") -> Plan:
    wait = PlannedWait(text="wait", line=3, seconds=seconds)
    return Plan("s", "s.scenario.yaml", variant, lab, 1.0, 0, (), (), (wait,), ())


LONG, SHORT, VIRTUAL = plan("long", 90), plan("short", 30), plan("virtual", 7200, "warp")


@pytest.mark.parametrize(
    ("seconds", "slots", "together"),
    [([], 4, 0), ([5, 9], 4, 9), ([5, 9], 1, 14), ([4, 3, 3, 2], 2, 6), ([1] * 100, 16, 7)],
)
def test_runs_share_slots(seconds: list[float], slots: int, together: float) -> None:
    assert scheduled_s(seconds, slots) == together


def test_long_runs_are_announced() -> None:
    assert announcement(40, 59, 16) == ""
    assert announcement(40, 300, 16) == (
        "this takes about 5 min if the machine keeps up: 40 runs, up to 16 at a time"
    )
    assert announcement(1, 61, 16).endswith("keeps up: 1 run")


def test_what_is_left_goes_down_to_nothing() -> None:
    left = Remaining([LONG, SHORT, VIRTUAL], {"netns": 1}, later=10)
    assert (left.seconds, left.words) == (130, "about 2 min left")
    left.take(LONG, record("step", 80.0))
    left.take(VIRTUAL, record("step", 80.0))
    assert left.seconds == 50
    left.take(LONG, record("end", 91.0))
    left.take(SHORT, record("end", 12.0))
    assert (left.seconds, left.words) == (10, "about 10 s left")


def test_short_runs_say_nothing() -> None:
    assert Remaining([SHORT, VIRTUAL], {"netns": 1}).words == ""


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_says_what_is_left(terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=200)
    remaining = Remaining([LONG, SHORT], {"netns": 2})
    with progress_for([LONG, SHORT], console, quiet=False, remaining=remaining) as tell:
        tell(LONG, record("header", 0.0))
        tell(LONG, record("step", 20.0, state="begin", text="wait", number=1))
    assert "about 70 s left" in out.getvalue()
