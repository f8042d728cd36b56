"""How long runs take, before they begin: the time that they simulate, and that programs compute."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.model.plan import Plan
from halfopen.model.steps import seconds_of
from halfopen.model.units import format_duration
from halfopen.ports import Vocabulary

LONG_S = 60.0
"""Seconds of computing for all runs, beyond which a person is told before they begin."""

_OF_A_DEADLINE = 0.25
"""Most conditions come true long before they would have to."""


def simulated_s(plan: Plan) -> float:
    """About how many seconds of production the steps of a plan last."""
    return plan.scale * sum(seconds_of(step, _OF_A_DEADLINE) for step in plan.steps)


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
