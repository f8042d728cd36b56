"""Reads what a scenario expects."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.fields import selected
from halfopen.ports import Vocabulary
from halfopen.scenario.context import Context
from halfopen.scenario.model import Expectation
from halfopen.scenario.raw import RawExpectation
from halfopen.sections import Problems, quote, suggest, validate
from halfopen.yamlfile import Node


def parse_expectations(
    node: Node, vocabulary: Vocabulary, problems: Problems
) -> tuple[RawExpectation, ...] | None:
    """The expectations in the list `node`, those without mistakes; None if it is no list.

    Args:
        node: the value of `expect`.
        vocabulary: knows the checks.
        problems: takes what is wrong.
    """
    example = "write lines like `- half-open: { at: receiver, at end: 0 }`"
    if not isinstance(node.value, tuple):
        problems.add(node.line, "'expect' is not a list", example)
        return None
    if not node.value:
        problems.add(node.line, "the scenario expects nothing", example)
    found = []
    for each in node.value:
        if len(each.entries) != 1:
            problems.add(
                each.line, f"the expectation {quote(each.plain())} is not one check", example
            )
        elif (read := _parse(each, vocabulary, problems)) is not None:
            found.append(read)
    return tuple(found)


def _parse(node: Node, vocabulary: Vocabulary, problems: Problems) -> RawExpectation | None:
    ((check, params),) = node.entries.items()
    kind = vocabulary.checks.get(check)
    if kind is None:
        problems.add(
            node.line,
            f"unknown check {quote(check)}",
            suggest(check, vocabulary.checks, "available checks"),
        )
        return None
    section = validate(kind, params, f"for check {check!r}", problems)
    return None if section is None else RawExpectation(section, node.line, params)


def merge_expectations(
    base: Sequence[RawExpectation], over: Sequence[RawExpectation]
) -> tuple[RawExpectation, ...]:
    """Those of a scenario with those of a variant, which replace those about the same thing."""
    merged = list(base)
    about = [_about(each) for each in base]
    for each in over:
        if (mine := _about(each)) in about:
            merged[about.index(mine)] = each
        else:
            merged.append(each)
    return tuple(merged)


def _about(raw: RawExpectation) -> tuple[object, ...]:
    """What makes an expectation the same as another: its check, and what that looks at."""
    return (raw.params.name, *selected(raw.params).items())


def resolve_expectations(
    raw: Sequence[RawExpectation], context: Context
) -> tuple[Expectation, ...]:
    """The expectations, each with its label, and its hosts held against those of the variant."""
    for each in raw:
        context.check_references(each.params, each.node, f"check {each.params.name!r}")
    labels = [_label(each) for each in raw]
    done: dict[str, Expectation] = {}
    for each, label in zip(raw, labels, strict=True):
        if labels.count(label) > 1:
            label = ", ".join([label, *_more(each)])
        if label in done:
            context.problems.add(
                each.line,
                f"{label!r} is expected twice",
                f"merge it with line {done[label].line}",
            )
            continue
        lines = {key: value.line for key, value in each.node.entries.items()}
        done[label] = Expectation(each.params.name, each.params, label, each.line, lines)
    return tuple(done.values())


def _label(raw: RawExpectation) -> str:
    at = selected(raw.params).get("at")
    if at is not None:
        return f"{raw.params.name} at {at}"
    if (over := raw.node.entries.get("sum over")) is not None:
        names = over.plain()  # as written: the name of a group, not of all its members
        return f"{raw.params.name} over {names if isinstance(names, str) else ', '.join(names)}"
    return raw.params.name


def _more(raw: RawExpectation) -> list[str]:
    """What else it looks at, as far as it is written."""
    written = raw.node.entries
    return [
        f"{key} {value}"
        for key, value in selected(raw.params).items()
        if key not in ("at", "sum over") and key in written
    ]
