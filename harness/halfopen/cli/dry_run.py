"""`halfopen run --dry-run`: what would be played, where, and how long it would take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from halfopen.model.plan import Plan
from halfopen.model.units import count, format_duration
from halfopen.ports import Vocabulary
from halfopen.runner.estimate import computing_s, expected_seconds, round_s, simulated_s


def dry_run_lines(
    plans: Sequence[Plan],
    vocabulary: Vocabulary,
    *,
    virtual: Sequence[str],
    slots: Mapping[str, int],
    times: int,
    together_s: float,
) -> Iterator[str]:
    """What `halfopen run` would do.

    Args:
        plans: that would be played.
        vocabulary: that they name.
        virtual: labs whose time is virtual.
        slots: of each lab: how many runs go on at a time.
        times: how often each variant is played (with --control or --twice: 2).
        together_s: seconds that all runs in real time take together.
    """
    for file, mine in groupby(plans, key=lambda plan: (plan.file, plan.lab, plan.scale)):
        first, *others = mine
        scale = f", scale {first.scale:g}" if first.scale != 1 else ""
        yield f"{file[0]}: {first.scenario} (lab {first.lab}{scale})"
        for plan in (first, *others):
            if plan.lab in virtual:
                computing = computing_s(plan, vocabulary)
                takes = f"computes for {_about(computing)}" if computing else "on virtual time"
            else:
                takes = f"takes {_about(expected_seconds(plan))}"
            yield f"  {plan.variant}: {takes} (simulates {_about(simulated_s(plan))})"
    files = len({plan.file for plan in plans})
    said = f"{count(len(plans), 'variant')} of {count(files, 'file')}"
    if times > 1:
        said += ", each played twice"
    at_once = ", ".join(f"{number} in the lab {lab}" for lab, number in slots.items())
    real = f"; about {format_duration(round_s(together_s))} together" if together_s >= 1 else ""
    yield f"{said}{real}; at a time up to {at_once}. Nothing was started."


def _about(seconds: float) -> str:
    return "less than a second" if seconds < 1 else f"about {format_duration(round_s(seconds))}"
