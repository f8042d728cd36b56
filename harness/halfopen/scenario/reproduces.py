"""Reads which failure a variant must reproduce."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from halfopen.fields import SEEN, Bound, parse_bound
from halfopen.scenario.model import Expectation
from halfopen.sections import Problems, quote, suggest
from halfopen.yamlfile import Node


def parse_reproduces(node: Node, problems: Problems) -> Mapping[str, Node]:
    """The mapping `node` of figures to what must be observed of each."""
    if isinstance(node.value, dict) and node.value:
        return node.value
    problems.add(
        node.line,
        "'reproduces' is not a mapping",
        "write for example { delivery.lost: 3 } or { half-open: seen }",
    )
    return {}


def resolve_reproduces(
    raw: Mapping[str, Node], expect: tuple[Expectation, ...], problems: Problems
) -> tuple[Expectation, ...]:
    """The expectations, those marked that a variant must see fail.

    Args:
        raw: what must be observed of each figure.  A figure is `CHECK.FIGURE`, or `LABEL.FIGURE`;
            of a check with one figure its name will do.  Observed is a number, a bound such as
            `at least 3`, or `seen`: anything that fails.
        expect: the expectations.
        problems: takes what is wrong.
    """
    marks: dict[str, dict[str, str]] = {}
    for key, each in raw.items():
        target = _target(key, each.line, expect, problems)
        if target is None:
            continue
        expectation, figure = target
        mark = _mark(key, each, expectation.params.figures[figure], problems)
        if mark is None:
            continue
        mine = marks.setdefault(expectation.label, {})
        name = figure if len(expectation.params.figures) > 1 else ""
        if name in mine:
            problems.add(each.line, f"'reproduces' names {key!r} twice", "leave one of them out")
        mine[name] = mark
    return tuple(replace(e, reproduces=marks.get(e.label, {})) for e in expect)


def _target(
    key: str, line: int, expect: tuple[Expectation, ...], problems: Problems
) -> tuple[Expectation, str] | None:
    """The expectation, and the figure of it, that a key of `reproduces` names."""
    named, dot, figure = key.rpartition(".")  # members of groups have a dot in their names
    if not dot or key in {each.label for each in expect}:
        named, dot, figure = key, "", ""
    found = [e for e in expect if e.label == named] or [e for e in expect if e.check == named]
    if not found:
        known = {e.label for e in expect} | {e.check for e in expect}
        problems.add(
            line,
            f"'reproduces' names {quote(named)}, which this variant does not expect",
            suggest(named, known, "its checks are"),
        )
        return None
    if len(found) > 1:
        problems.add(
            line,
            f"'reproduces' names {quote(named)}, but {len(found)} expectations are about it",
            "write " + " or ".join(repr(e.label) for e in found),
        )
        return None
    figures = found[0].params.figures
    if not dot and len(figures) == 1:
        return found[0], next(iter(figures))
    if figure not in figures:
        unknown = f"an unknown figure {quote(figure)} of {quote(named)}"
        problems.add(
            line,
            "'reproduces' names "
            + (unknown if dot else f"{quote(named)}, but not which of its figures fails"),
            suggest(figure, figures, f"write {named}. and one of"),
        )
        return None
    return found[0], figure


def _mark(key: str, node: Node, bound: Bound | None, problems: Problems) -> str | None:
    """What must be observed of a figure, as a bound in words, or `seen`."""
    value = node.plain()
    if value == SEEN:
        if bound is not None and bound.relation == "exactly" and bound.number:
            problems.add(
                node.line,
                f"reproduces {key}: 'seen' does not say whether more than {bound.number} or fewer",
                f"write a number, at least {bound.number + 1}, or at most {bound.number - 1}",
            )
            return None
        return SEEN
    try:
        wanted = (
            Bound("exactly", value)
            if isinstance(value, int) and not isinstance(value, bool) and value >= 0
            else parse_bound(str(value))
        )
    except ValueError:
        problems.add(
            node.line,
            f"reproduces {key}: {quote(value)} is not what can be observed",
            "write a number, a bound such as at least 3, or seen",
        )
        return None
    if bound is not None and wanted.relation == "exactly" and bound.holds(wanted.number):
        problems.add(
            node.line,
            f"reproduces {key}: {wanted.number} is not a failure, {bound} is expected",
            "write a number that fails, or leave it out",
        )
        return None
    return str(wanted)
