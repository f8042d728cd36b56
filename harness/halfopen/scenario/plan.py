"""Turns a scenario into plans: one for each variant, every value settled for one lab."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import assert_never

from halfopen.errors import InputError, Problem, UsageError
from halfopen.fields import Scaled
from halfopen.kernel.scaled import Known, scaled_tcp
from halfopen.model.plan import Plan, PlannedCheck, PlannedHost, ScaledValue
from halfopen.model.steps import (
    PlannedHeal,
    PlannedInject,
    PlannedSend,
    PlannedStart,
    PlannedStep,
    PlannedStop,
    PlannedWait,
    PlannedWaitUntil,
)
from halfopen.ports import LabSpec
from halfopen.scenario.clock import Kind
from halfopen.scenario.clocks import clocks
from halfopen.scenario.conditions import AT_MOST_SCALED
from halfopen.scenario.margin import end_margin, margin
from halfopen.scenario.model import (
    Expectation,
    Heal,
    Host,
    Inject,
    Scenario,
    Send,
    Start,
    Step,
    Stop,
    Variant,
    Wait,
    WaitUntil,
)
from halfopen.scenario.scaling import LARGEST_SCALE, scale_seconds, scale_section
from halfopen.scenario.steps import say
from halfopen.scenario.timescale import check_scale, kernel_lacks
from halfopen.sections import suggest


def make_plans(
    scenario: Scenario,
    *,
    lab: LabSpec,
    scale: float | None,
    seed: int,
    variants: Collection[str] | None = None,
) -> list[Plan]:
    """A plan for each variant, in the order of the file.

    Args:
        scenario: what to play.
        lab: where to play it; only a lab with real time is scaled (:attr:`LabSpec.scaled`).
        scale: seconds of production in one of the lab; None for what the variant says.
        seed: seed of the random generator in the run.
        variants: names of those to plan; None for all.

    Raises:
        InputError: if the scale would change the order of two timers, with every such pair.
        UsageError: for a scale that is none, and for a variant that there is not.
    """
    if scale is not None and not (math.isfinite(scale) and 1 <= scale <= LARGEST_SCALE):
        raise UsageError(f"--scale {scale:g}: write a number from 1 to {LARGEST_SCALE:.0f}")
    names = [variant.name for variant in scenario.variants]
    for name in variants or ():
        if name not in names:
            remedy = suggest(name, names, "available variants")
            raise UsageError(f"{scenario.file}: unknown variant {name!r}; {remedy}")
    chosen = [each for each in scenario.variants if variants is None or each.name in variants]
    plans: list[Plan] = []
    problems: list[Problem] = []
    for variant in chosen:
        factor = (variant.scale if scale is None else scale) if lab.scaled else 1.0
        if factor != 1:
            problems += check_scale(variant, factor, scenario.file)
        plans.append(_plan(scenario, variant, lab, float(factor), seed))
    if problems:
        raise InputError(sorted(set(problems)))
    return plans


def _plan(scenario: Scenario, variant: Variant, lab: LabSpec, scale: float, seed: int) -> Plan:
    values: list[ScaledValue] = []
    known = lab.knows_sysctl
    hosts = tuple(_host(host, scale, values, known) for host in variant.hosts)
    steps = tuple(_step(step, scale, values) for step in variant.steps)
    checks = tuple(_check(each, scale, values) for each in variant.expect)
    production = clocks(variant, None, known)
    for before, after in zip(production, clocks(variant, scale, known), strict=True):
        if before.kind is Kind.SYSTEM:  # what follows from the options: detection of a dead peer
            values.append(ScaledValue(before.name, before.seconds, after.seconds, before.line))
    return Plan(
        scenario=scenario.name,
        file=scenario.file,
        variant=variant.name,
        lab=lab.name,
        scale=scale,
        seed=seed,
        hosts=hosts,
        path=variant.path,
        family=variant.family,
        returns=variant.returns,
        branches=variant.branches,
        steps=steps,
        checks=checks,
        scaling=_once(values),
        about=scenario.about,
        variant_about=variant.about,
        control=variant.control,
        source=scenario.source,
        bears_s=margin(variant, scale, known),
        at_end=1.0 if lab.scaled else variant.scale,
        end_bears_s=end_margin(variant, scale, known) if lab.scaled else None,
        unsupported=kernel_lacks(variant, scale, known),
    )


def _once(values: list[ScaledValue]) -> tuple[ScaledValue, ...]:
    """Each value once: four equal pauses are one line of a report."""
    seen = {(each.name, each.production_s, each.lab_s): each for each in reversed(values)}
    return tuple(reversed(seen.values()))


def _host(host: Host, scale: float, values: list[ScaledValue], known: Known) -> PlannedHost:
    settings, changes = scale_section(host.settings, scale)
    for each in changes:
        name = f"{host.name} {' '.join(each.keys)}"
        line = host.lines.get(each.keys[0], host.line)
        values.append(ScaledValue(name, each.production_s, each.lab_s, line))
    preload: dict[str, float] | None = None
    if host.preload_keepalive is not None:
        timers, changes = scale_section(host.preload_keepalive, scale)
        preload = timers.model_dump(mode="json")
        line = host.lines.get("preload keepalive", host.line)
        for each in changes:
            name = f"{host.name} preload keepalive {' '.join(each.keys)}"
            values.append(ScaledValue(name, each.production_s, each.lab_s, line))
    sysctls = {}
    for key, value in host.sysctls.items():
        if isinstance(value, float):
            whole = scale_seconds(value, scale, Scaled(whole=True))
            line = host.lines.get("sysctls", host.line)
            values.append(ScaledValue(f"{host.name} {key}", value, whole, line))
            value = f"{whole:.0f}"
        sysctls[key] = value
    if host.system is not None:
        sysctls |= scaled_tcp(scale, host.sysctls, known).settings
    return PlannedHost(
        name=host.name,
        system=host.system,
        options=settings.model_dump(mode="json"),
        sysctls=sysctls,
        preload_keepalive=preload,
        image=host.container.image,
        limits=host.container.limits.model_dump(exclude_none=True),
        profile=host.profile,
        line=host.line,
    )


def _step(step: Step, scale: float, values: list[ScaledValue]) -> PlannedStep:
    text, line = say(step), step.line

    def scaled(name: str, seconds: float) -> float:
        lab = scale_seconds(seconds, scale)
        if seconds:
            values.append(ScaledValue(name, seconds, lab, line))
        return lab

    match step:
        case Send():
            return PlannedSend(
                host=step.host,
                count=step.count,
                every=scaled("every", step.every),
                background=step.background,
                form=step.form,
                text=text,
                line=line,
            )
        case Wait():
            return PlannedWait(seconds=scaled("wait", step.seconds), text=text, line=line)
        case WaitUntil():
            at_most = _deadline("wait until", step, scale, values)
            return PlannedWaitUntil(until=str(step.until), at_most=at_most, text=text, line=line)
        case Inject():
            return _inject(step, scale, values)
        case Heal():
            return PlannedHeal(name=step.name, text=text, line=line)
        case Stop():
            return PlannedStop(host=step.host, text=text, line=line)
        case Start():
            return PlannedStart(host=step.host, text=text, line=line)
        case _:
            assert_never(step)


def _deadline(
    name: str, step: Inject | WaitUntil, scale: float, values: list[ScaledValue]
) -> float:
    lab = scale_seconds(step.at_most, scale, AT_MOST_SCALED)
    values.append(ScaledValue(f"{name} at most", step.at_most, lab, step.line))
    return lab


def _inject(step: Inject, scale: float, values: list[ScaledValue]) -> PlannedInject:
    fault = step.fault.name
    params, changes = scale_section(step.fault, scale)
    for each in changes:
        name = f"{fault} {' '.join(each.keys)}"
        values.append(ScaledValue(name, each.production_s, each.lab_s, step.line))
    lasts = scale_seconds(step.lasts, scale)
    if lasts:
        values.append(ScaledValue(f"{fault} for", step.lasts, lasts, step.line))
    options = None
    if step.upgraded is not None:
        settings, changes = scale_section(step.upgraded.settings, scale)
        options = settings.model_dump(mode="json")
        for each in changes:
            name = f"{step.upgraded.name} {' '.join(each.keys)} after {fault}"
            values.append(ScaledValue(name, each.production_s, each.lab_s, step.line))
    waits = step.when is not None or step.until is not None
    return PlannedInject(
        name=fault,
        params=params.model_dump(mode="json"),
        lasts=lasts,
        stays=step.stays,
        options=options,
        when=None if step.when is None else str(step.when),
        background=step.background,
        until=None if step.until is None else str(step.until),
        at_most=_deadline(fault, step, scale, values) if waits else 0.0,
        may_miss=step.may_miss,
        text=say(step),
        line=step.line,
    )


def _check(expectation: Expectation, scale: float, values: list[ScaledValue]) -> PlannedCheck:
    params, changes = scale_section(expectation.params, scale)
    for each in changes:
        line = expectation.lines.get(each.keys[0], expectation.line)
        name = f"{expectation.label} {' '.join(each.keys)}"
        values.append(ScaledValue(name, each.production_s, each.lab_s, line))
    return PlannedCheck(
        check=expectation.check,
        params=params.model_dump(mode="json"),
        label=expectation.label,
        line=expectation.line,
        reproduces=expectation.reproduces,
    )
