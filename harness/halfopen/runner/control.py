"""The control of a plan: the same without its faults, to see which expectations notice them.

An expectation that is met with and without the faults says nothing about them.  A variant of which
every expectation is like that shows nothing at all, unless that is what it is about; then it says
so (`control: ...`).

What is taken away:

- the `fault` and `heal` steps; a step that waits for the beginning of a fault (`when`) still waits;
- each `stop` of a program with its later `start`;
- what a middlebox forgets: its idle timeout, the timeout of unacknowledged data, and the size of
  its table.  Those belong to the middlebox and are no step, but many an incident is
  about nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from halfopen.model.plan import Plan, PlannedHost
from halfopen.model.steps import (
    PlannedHeal,
    PlannedInject,
    PlannedStart,
    PlannedStep,
    PlannedStop,
    PlannedWaitUntil,
)
from halfopen.model.verdict import ControlResult, VariantResult, Verdict

_FORGETS_NOTHING = {
    "idle_timeout": None,
    "unacknowledged": None,
    "table_size": None,
    "on_expiry": "silent",
}


def control_plan(plan: Plan) -> Plan:
    """The plan without its faults; it expects the same."""
    return replace(
        plan,
        steps=tuple(_undisturbed(plan.steps)),
        hosts=tuple(_reliable(host) for host in plan.hosts),
    )


def _undisturbed(steps: Sequence[PlannedStep]) -> Iterator[PlannedStep]:
    stopped: set[str] = set()
    for number, step in enumerate(steps):
        match step:
            case PlannedInject():
                if step.when is not None and not step.background:
                    yield PlannedWaitUntil(
                        until=step.when,
                        at_most=step.at_most,
                        text=f"wait until {step.when}",
                        line=step.line,
                    )
            case PlannedHeal():
                pass
            case PlannedStop() if any(
                isinstance(later, PlannedStart) and later.host == step.host
                for later in steps[number:]
            ):
                stopped.add(step.host)
            case PlannedStart() if step.host in stopped:
                stopped.discard(step.host)
            case _:
                yield step


def _reliable(host: PlannedHost) -> PlannedHost:
    if host.profile is None:
        return host
    known = {key: value for key, value in _FORGETS_NOTHING.items() if key in host.options}
    return replace(host, options={**host.options, **known})


def compare(result: VariantResult, control: VariantResult, words: str) -> ControlResult:
    """Which expectations of a variant tell it from its control.

    Args:
        result: of the variant.
        control: of its control.
        words: why nothing need differ, if the variant says so.
    """
    undisturbed = {check.label: check.verdict for check in control.checks}
    asked = [check for check in result.checks if check.label in undisturbed and check.line]
    late = control.verdict is Verdict.UNKNOWN and control.late_s > 0
    undecided = late or not asked or control.verdict in (Verdict.ERROR, Verdict.UNSUPPORTED)
    return ControlResult(
        verdict=control.verdict,
        why=control.why,
        directory=control.directory,
        differ=tuple(c.label for c in asked if c.verdict is not undisturbed[c.label]),
        same=tuple(c.label for c in asked if c.verdict is undisturbed[c.label]),
        words=words,
        undecided=undecided,
    )
