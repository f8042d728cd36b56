"""What a run asks of a lab, and what of that the lab does not support here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from halfopen.fields import Unscaled, marks
from halfopen.model.plan import Plan, PlannedHost
from halfopen.model.steps import PlannedInject
from halfopen.ports import Demands, Fault, LabSpec, Vocabulary
from halfopen.products import libkeepalive
from halfopen.verbs import Verb


def faults_of(plan: Plan, vocabulary: Vocabulary) -> Iterator[Fault]:
    """The faults of a plan, in the order of its steps."""
    for step in plan.steps:
        if isinstance(step, PlannedInject):
            yield vocabulary.faults[step.name].model_validate(step.params)


def demands(plan: Plan, vocabulary: Vocabulary) -> Demands:
    """The kinds of verbs that a plan asks of each host."""
    found: dict[str, set[type[Verb]]] = {}
    for fault in faults_of(plan, vocabulary):
        for verb in fault.every_verb():
            for host in verb.hosts:
                found.setdefault(host, set()).add(type(verb))
    return found


def needs(plan: Plan, vocabulary: Vocabulary, lab: LabSpec) -> str | None:
    """What of a plan the lab does not support here, in words; None if it supports all."""
    if plan.unsupported:
        return plan.unsupported
    for fault in faults_of(plan, vocabulary):
        if reason := fault_needs(fault, lab):
            return reason
    for host in plan.hosts:
        if reason := host_needs(host, vocabulary, lab):
            return reason
    for check in plan.checks:
        if reason := check_needs(check.check, lab):
            return reason
    return None


def check_needs(check: str, lab: LabSpec) -> str | None:
    """Why what a check judges is not seen in a lab, in words; None if it is."""
    reason = lab.blind.get(check)
    return reason and f"the lab {lab.name} does not support the check {check!r}: {reason}"


def fault_needs(fault: Fault, lab: LabSpec) -> str | None:
    """Why a lab does not support a fault here, in words; None if it does."""
    kinds = dict.fromkeys(type(verb) for verb in fault.every_verb())
    if any(kind not in lab.verbs for kind in kinds):
        return f"the lab {lab.name} does not support the fault {fault.name!r}"
    for kind in kinds:
        if lacking := lab.lacks(kind):
            return f"the fault {fault.name!r} is not supported here: {'; '.join(lacking)}"
    return None


def unscaled(plan: Plan, vocabulary: Vocabulary) -> str | None:
    """Why a plan shows something else in a lab without a scale; None if it does not.

    What no scale divides, such as a line's delay, is longer beside everything else at a scale of 20
    than at 1, and whoever wrote the scenario has chosen it for its scale.
    """
    if plan.at_end == 1:
        return None
    for fault in faults_of(plan, vocabulary):
        for name, field in type(fault).model_fields.items():
            if getattr(fault, name) and any(isinstance(each, Unscaled) for each in marks(field)):
                key = name.replace("_", " ")
                return (
                    f"no scale divides {key!r} of the fault {fault.name!r}, which was chosen for a "
                    f"scale of {plan.at_end:g}"
                )
    return None


def host_needs(host: PlannedHost, vocabulary: Vocabulary, lab: LabSpec) -> str | None:
    """Why a lab does not support a host here, in words; None if it does."""
    if reason := _misplaced(host, vocabulary, lab):
        return reason
    if not lab.images and (lacking := _lacking(host, vocabulary)):
        return f"{host.system} on {host.name} is not supported here: {'; '.join(lacking)}"
    return None


def _misplaced(host: PlannedHost, vocabulary: Vocabulary, lab: LabSpec) -> str | None:
    """What of a host is for labs with containers and this is none, or the other way round."""
    if not lab.images:
        if host.image is not None:
            return (
                f"{host.name} runs the image {host.image}, which the lab {lab.name} does not "
                "support: use --lab docker"
            )
        if host.limits:
            return (
                f"{host.name} has limits, which the lab {lab.name} does not support: "
                "use --lab docker"
            )
        return None
    system = None if host.system is None else vocabulary.systems[host.system]
    if system is None or host.image is not None:
        return None
    if reason := system.model_validate(dict(host.options)).image_unsupported():
        return f"the lab {lab.name} cannot run it on {host.name}: {reason}"
    if system.product is None or system.image is not None:
        return None
    return (
        f"the lab {lab.name} has no image of {system.product.name} for {host.name}: set "
        "`image` to one that contains it"
    )


def _lacking(host: PlannedHost, vocabulary: Vocabulary) -> Sequence[str]:
    """What this machine lacks for the system of a host, each with its remedy."""
    if host.system is None:
        return ()
    system = vocabulary.systems[host.system]
    lacking = list(system.model_validate(dict(host.options)).missing())
    return [*lacking, *libkeepalive.missing()] if host.preload_keepalive is not None else lacking
