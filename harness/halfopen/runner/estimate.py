"""How long runs take, before they begin: the time that they simulate, and that programs compute."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

from halfopen.model.plan import Plan
from halfopen.model.steps import seconds_of
from halfopen.model.units import count, format_duration
from halfopen.ports import Vocabulary

LONG_S = 60.0
"""Seconds of computing for all runs, beyond which a person is told before they begin."""

_OF_A_DEADLINE = 0.25
"""Most conditions come true long before they would have to."""


def simulated_s(plan: Plan) -> float:
    """About how many seconds of production the steps of a plan last."""
    return plan.scale * sum(seconds_of(step, _OF_A_DEADLINE) for step in plan.steps)


def expected_seconds(plan: Plan) -> float:
    """About how long the steps of a plan take in its lab.

    Nobody knows when a condition comes true; a part of the time that it may take at most is counted
    for it, so that what may take minutes does not begin when everything else has ended.
    """
    return simulated_s(plan) / plan.scale


def scheduled_s(seconds: Iterable[float], slots: int) -> float:
    """How long runs take together, the longest first.

    Args:
        seconds: of each run.
        slots: how many go on at a time.
    """
    ends = [0.0] * max(1, slots)
    for each in sorted(seconds, reverse=True):
        heapq.heapreplace(ends, ends[0] + each)
    return max(ends)


def announcement(number: int, seconds: float, slots: int) -> str:
    """What to say before runs that take long; empty if they do not.

    Args:
        number: of runs.
        seconds: that they take together.
        slots: how many go on at a time.
    """
    if seconds <= LONG_S:
        return ""
    at_once = f", up to {slots} at a time" if number > 1 and slots > 1 else ""
    return (
        f"this takes about {format_duration(round_s(seconds))} if the machine keeps up: "
        f"{count(number, 'run')}{at_once}"
    )


def round_s(seconds: float) -> float:
    """As exactly as an estimate is worth saying."""
    return round(seconds, 1) if seconds < 10 else float(round(seconds, -1 if seconds > 100 else 0))


def computing_s(plan: Plan, vocabulary: Vocabulary) -> float:
    """About how many seconds the programs of a plan that are never idle compute in it."""
    return sum(hourly for _, hourly in _restless(plan, vocabulary)) * simulated_s(plan) / 3600


def long_warning(plans: Sequence[Plan], vocabulary: Vocabulary) -> str:
    """What to say before plans are played on virtual time; empty if they do not take long."""
    total = sum(computing_s(plan, vocabulary) for plan in plans)
    if total <= LONG_S:
        return ""
    hours = format_duration(sum(simulated_s(plan) for plan in plans))
    restless = dict(each for plan in plans for each in _restless(plan, vocabulary))
    costs = ", ".join(f"{name} {hourly:g} s" for name, hourly in sorted(restless.items()))
    return (
        f"this computes for about {format_duration(total)}: {hours} are simulated, and these "
        f"programs are never idle (for each simulated hour: {costs})"
    )


def _restless(plan: Plan, vocabulary: Vocabulary) -> list[tuple[str, float]]:
    """The systems of a plan that are never idle, each with its seconds for each hour."""
    systems = [vocabulary.systems[host.system] for host in plan.hosts if host.system is not None]
    return [(system.name, system.hourly_s) for system in systems if system.hourly_s]
