"""The control of a plan: the same without its faults, to see which expectations notice them.

An expectation that is met with and without the faults says nothing about them.  A variant of which
every expectation is like that shows nothing at all, unless that is what it is about; then it says
so (`control: ...`).

What is taken away:

- the `fault` and `heal` steps; a step that waits for the beginning of a fault (`when`) still waits,
  and the time that a fault takes passes (`down for` at once, what is left of `for` at the end);
- each `stop` of a program, and each fault that ends one, with its later `start`;
- what makes a middlebox forget or refuse flows: its idle timeout, their lifetime, the timeout of
  unacknowledged data, the size of its table and the flows per source; and what it remembers too
  long: a closed flow whose addresses are used again.  Those belong to the middlebox and are no
  step, but many an incident is about nothing else.
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
    PlannedWait,
    PlannedWaitUntil,
    seconds_of,
)
from halfopen.model.verdict import CheckResult, ControlResult, VariantResult, Verdict
from halfopen.ports import Fault, Vocabulary
from halfopen.verbs import SignalProgram

_FORGETS_NOTHING = {
    "idle_timeout": None,
    "unacknowledged": None,
    "lifetime": None,
    "flows_per_source": None,
    "table_size": None,
    "on_expiry": "silent",
    "port_reuse": "new flow",
}


_ENDS = ("KILL", "TERM")
"""Signals of a fault after which a program has to be started again."""


def control_plan(plan: Plan, vocabulary: Vocabulary) -> Plan:
    """The plan without its faults; it expects the same.

    Args:
        plan: of the variant.
        vocabulary: knows the faults.
    """
    return replace(
        plan,
        steps=tuple(_undisturbed(plan.steps, vocabulary)),
        hosts=tuple(_reliable(host) for host in plan.hosts),
    )


def _undisturbed(steps: Sequence[PlannedStep], vocabulary: Vocabulary) -> Iterator[PlannedStep]:
    ended: set[str] = set()
    lasting: dict[str, float] = {}
    """Seconds that the faults of a name still last if no step heals them."""
    for number, step in enumerate(steps):
        instead = [step]
        match step:
            case PlannedInject():
                fault = vocabulary.faults[step.name].model_validate(step.params)
                ended |= _ended_by(fault)
                instead = _without(step, fault)
            case PlannedHeal():
                lasting.pop(step.name, None)
                instead = []
            case PlannedStop() if any(
                isinstance(later, PlannedStart) and later.host == step.host
                for later in steps[number:]
            ):
                ended.add(step.host)
                instead = []
            case PlannedStart() if step.host in ended:
                ended.discard(step.host)
                instead = []
        passed = sum(seconds_of(each) for each in instead)
        lasting = {name: left - passed for name, left in lasting.items()}
        if isinstance(step, PlannedInject):
            later = step.lasts or max((offset for offset, _ in fault.schedule()), default=0.0)
            lasting[step.name] = max(later, lasting.get(step.name, 0.0))
        yield from instead
    if (rest := max(lasting.values(), default=0.0)) > 0:
        yield PlannedWait(seconds=rest, text="wait as long as the faults last")


def _without(step: PlannedInject, fault: Fault) -> list[PlannedStep]:
    """What a fault's step still does: it waits for its condition, and as its verbs do."""
    left: list[PlannedStep] = []
    if step.background:
        return left
    if step.when is not None:
        text = f"wait until {step.when}"
        left.append(
            PlannedWaitUntil(until=step.when, at_most=step.at_most, text=text, line=step.line)
        )
    if seconds := sum(verb.duration_s for verb in fault.verbs()):
        text = f"wait as long as: {step.text}"
        left.append(PlannedWait(seconds=seconds, text=text, line=step.line))
    return left


def _ended_by(fault: Fault) -> set[str]:
    return {
        verb.host
        for verb in fault.verbs()
        if isinstance(verb, SignalProgram) and verb.signal in _ENDS
    }


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
    undisturbed = {check.label: check for check in control.checks}
    asked = [check for check in result.checks if check.label in undisturbed and check.line]
    # One that fails either way may still fail by other figures than those it has to reproduce.
    differ = {c.label for c in asked if _said(c) != _said(undisturbed[c.label])}
    late = control.verdict is Verdict.UNKNOWN and control.late_s > 0
    undecided = late or not asked or control.verdict in (Verdict.ERROR, Verdict.UNSUPPORTED)
    return ControlResult(
        verdict=control.verdict,
        why=control.why,
        directory=control.directory,
        differ=tuple(c.label for c in asked if c.label in differ),
        same=tuple(c.label for c in asked if c.label not in differ),
        words=words,
        undecided=undecided,
    )


def _said(check: CheckResult) -> tuple[Verdict, bool]:
    return check.verdict, check.as_expected
