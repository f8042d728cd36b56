"""Reads the steps of a scenario that begin a fault, or end one."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from halfopen.fields import PositiveDuration, Section
from halfopen.ports import Fault, Vocabulary
from halfopen.scenario.conditions import AT_MOST_S, AtMost, ConditionField
from halfopen.scenario.model import Heal, Host, Inject
from halfopen.scenario.names import Names
from halfopen.sections import Problems, check_keys, quote, suggest, validate
from halfopen.yamlfile import Node


class FaultStep(Section):
    """What every `- fault: ...` may say beside the fault's own parameters.

    Attributes:
        when: it begins as soon as this is so; the step waits for that.
        background: with `when`: the steps go on meanwhile.
        for_: it is healed after so long.
        until: it is healed as soon as this is so; the steps go on meanwhile.
        at_most: how long `when`, and then `until`, may take to come true.
        stays: it is not healed before the end is judged.
    """

    when: ConditionField | None = None
    background: bool = False
    for_: PositiveDuration | None = Field(default=None, alias="for")
    until: ConditionField | None = None
    at_most: AtMost = AT_MOST_S
    stays: bool = False


class InstantStep(Section):
    """What `- fault: ...` may say of a fault that is over at once, and has nothing to heal."""

    when: ConditionField | None = None
    background: bool = False
    at_most: AtMost = AT_MOST_S


def read_fault(
    node: Node, vocabulary: Vocabulary, known: Names | None, problems: Problems
) -> Inject | None:
    """The step `- fault: ...` in the mapping `node`; None if something is wrong with it.

    Args:
        node: the step.
        vocabulary: knows the faults.
        known: the hosts; None if they are not settled yet, then no name is held against them.
        problems: takes what is wrong.
    """
    name = node.entries["fault"]
    spec = vocabulary.faults.get(name.value) if isinstance(name.value, str) else None
    if spec is None:
        problems.add(
            name.line,
            f"unknown fault {quote(name.plain())}",
            suggest(str(name.plain()), vocabulary.faults, "available faults"),
        )
        return None
    general = {field.alias or name for name, field in FaultStep.model_fields.items()}
    general_node = Node({k: e for k, e in node.entries.items() if k in general}, node.line)
    how = validate(FaultStep, general_node, f"for fault {spec.name!r}", problems)
    rest = Node(
        {k: each for k, each in node.entries.items() if k != "fault" and k not in general},
        node.line,
    )
    params = validate(spec, rest, f"for fault {spec.name!r}", problems)
    if params is None or how is None:
        return None
    if not params.heal():
        for key in ("for", "until", "stays"):
            if key in general_node.entries:
                problems.add(
                    general_node.entries[key].line,
                    f"fault {spec.name!r} takes effect at once, so {key!r} does not apply",
                    f"remove {key!r}",
                )
    _check_timing(general_node, spec.name, problems)
    if known is not None:
        where = f"fault {spec.name!r}"
        known.check_references(params, rest, where, problems)
    changed = _changed(params, rest, vocabulary, known, problems)
    return Inject(
        params,
        upgraded=changed,
        lasts=how.for_ or 0.0,
        stays=how.stays,
        when=how.when,
        until=how.until,
        at_most=how.at_most,
        background=how.background,
        line=node.line,
    )


def _changed(
    params: Fault,
    node: Node,
    vocabulary: Vocabulary,
    known: Names | None,
    problems: Problems,
) -> Host | None:
    """The host of which the fault changes the options, with those that it has then."""
    options = params.new_options()
    host = None if options is None or known is None else known.hosts.get(options[0])
    if known is None or host is None or host.system is None:
        return None
    written, kind = node.entries["options"], vocabulary.systems[host.system]
    told = len(problems)
    validate(kind, written, f"for {host.name}", problems, partial=True)
    before = host.settings.model_dump(mode="json", by_alias=True)
    try:
        settings = kind.model_validate({**before, **params.model_dump()["options"]})
    except ValueError:
        if len(problems) == told:  # each value is right, but not with the others
            problems.add(written.line, f"these options do not go with the others of {host.name}")
        return None
    known.check_references(settings, written, f"fault {params.name!r}", problems)
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


def read_heal(node: Node, vocabulary: Vocabulary, problems: Problems) -> Heal | None:
    """The step `- heal: ...` in the mapping `node`; None if something is wrong with it."""
    check_keys(node, ("heal",), "in a heal step", problems)
    name = node.entries["heal"]
    if name.value not in vocabulary.faults:
        problems.add(
            name.line,
            f"unknown fault {quote(name.plain())}",
            suggest(str(name.plain()), vocabulary.faults, "available faults"),
        )
        return None
    return Heal(str(name.value), line=node.line)
