"""Reads the steps of a scenario that begin a fault, or end one."""

from __future__ import annotations

from dataclasses import replace

from halfopen.ports import Vocabulary
from halfopen.scenario.context import Context
from halfopen.scenario.model import Host, Inject
from halfopen.scenario.raw import RawFault, RawStep
from halfopen.scenario.step_keys import FaultStep, HealStep
from halfopen.sections import Problems, check_keys, quote, suggest, validate
from halfopen.yamlfile import Node


def parse_fault(node: Node, vocabulary: Vocabulary, problems: Problems) -> RawFault | None:
    """The step `- fault: ...` in the mapping `node`; None if something is wrong with it.

    Args:
        node: the step.
        vocabulary: knows the faults.
        problems: takes what is wrong.
    """
    name = node.entries["fault"]
    spec = vocabulary.faults.get(name.value) if isinstance(name.value, str) else None
    if spec is None:
        _unknown_fault(name, vocabulary, problems)
        return None
    general = {field.alias or name for name, field in FaultStep.model_fields.items()}
    timing = Node({k: e for k, e in node.entries.items() if k in general}, node.line)
    how = validate(FaultStep, timing, f"for fault {spec.name!r}", problems)
    rest = {k: each for k, each in node.entries.items() if k != "fault" and k not in general}
    fault = validate(spec, Node(rest, node.line), f"for fault {spec.name!r}", problems)
    if fault is None or how is None:
        return None
    if not fault.heal():
        for key in ("for", "until", "stays"):
            if key in timing.entries:
                problems.add(
                    timing.entries[key].line,
                    f"fault {spec.name!r} takes effect at once, so {key!r} does not apply",
                    f"remove {key!r}",
                )
    _check_timing(timing, spec.name, problems)
    return RawFault(fault, how, node)


def resolve_fault(raw: RawFault, context: Context) -> Inject:
    """The step, with every host that it names held against those of the variant."""
    context.check_references(raw.fault, raw.node, f"fault {raw.fault.name!r}")
    how = raw.timing
    return Inject(
        raw.fault,
        upgraded=_changed(raw, context),
        lasts=how.for_ or 0.0,
        stays=how.stays,
        when=how.when,
        until=how.until,
        at_most=how.at_most,
        background=how.background,
        may_miss=how.may_miss,
        line=raw.node.line,
    )


def _changed(raw: RawFault, context: Context) -> Host | None:
    """The host of which the fault changes the options, with those that it has then."""
    options = raw.fault.new_options()
    host = None if options is None else context.names.hosts.get(options[0])
    if host is None or host.system is None:
        return None
    problems, written = context.problems, raw.node.entries["options"]
    kind, told = context.vocabulary.systems[host.system], len(problems)
    validate(kind, written, f"for {host.name}", problems, absent=Problems(problems.file))
    before = host.settings.model_dump(mode="json", by_alias=True)
    try:
        settings = kind.model_validate({**before, **raw.fault.model_dump()["options"]})
    except ValueError:
        if len(problems) == told:  # each value is right, but not with the others
            problems.add(written.line, f"these options do not go with the others of {host.name}")
        return None
    context.check_references(settings, written, f"fault {raw.fault.name!r}")
    return replace(host, settings=settings)


def _check_timing(node: Node, fault: str, problems: Problems) -> None:
    """Note what contradicts each other, or means nothing alone, in a fault's `FaultStep`."""
    written = node.entries
    ends = [key for key in ("for", "until", "stays") if key in written]
    if len(ends) > 1:
        problems.add(
            written[ends[1]].line,
            f"fault {fault!r} has both {' and '.join(ends)}",
            "use only one of them",
        )
    for key, needed in (("background", ("when",)), ("at most", ("when", "until"))):
        if key in written and not any(each in written for each in needed):
            problems.add(
                written[key].line,
                f"fault {fault!r}: {key!r} needs {' or '.join(needed)}",
                f"remove {key!r}",
            )


def parse_heal(node: Node, vocabulary: Vocabulary, problems: Problems) -> RawStep | None:
    """The step `- heal: ...` in the mapping `node`; None if something is wrong with it."""
    check_keys(node, ("heal",), "in a heal step", problems)
    name = node.entries["heal"]
    if name.value not in vocabulary.faults:
        _unknown_fault(name, vocabulary, problems)
        return None
    return RawStep(HealStep(heal=str(name.value)), node)


def _unknown_fault(name: Node, vocabulary: Vocabulary, problems: Problems) -> None:
    problems.add(
        name.line,
        f"unknown fault {quote(name.plain())}",
        suggest(str(name.plain()), vocabulary.faults, "available faults"),
    )
