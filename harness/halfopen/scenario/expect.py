"""Reads what a scenario expects, and which failure a variant must reproduce."""

from __future__ import annotations

from dataclasses import replace

from halfopen.fields import SEEN, Bound, parse_bound
from halfopen.ports import Vocabulary
from halfopen.scenario.merge import names_in
from halfopen.scenario.model import Expectation
from halfopen.scenario.names import Names
from halfopen.sections import Problems, quote, suggest, validate
from halfopen.yamlfile import Node


def read_expectations(
    node: Node | None, vocabulary: Vocabulary, known: Names | None, problems: Problems
) -> tuple[Expectation, ...]:
    """The expectations in the list `node`.

    Args:
        node: the value of `expect`.
        vocabulary: knows the checks.
        known: the hosts; None if they are not settled yet, then no name is held against them.
        problems: takes what is wrong.
    """
    example = "write lines like `- half-open: { at: receiver, at end: 0 }`"
    if node is None:
        return ()
    if not isinstance(node.value, tuple):
        problems.add(node.line, "'expect' is not a list", example)
        return ()
    if not node.value:
        problems.add(node.line, "nothing is expected", example)
    found: list[tuple[Expectation, dict[str, str]]] = []
    for each in node.value:
        if len(each.entries) != 1:
            problems.add(
                each.line, f"the expectation {quote(each.plain())} is not one check", example
            )
            continue
        if (read := _read(each, vocabulary, known, problems)) is not None:
            found.append(read)
    return _labelled(found, problems)


def _read(
    node: Node, vocabulary: Vocabulary, known: Names | None, problems: Problems
) -> tuple[Expectation, dict[str, str]] | None:
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
    if section is None:
        return None
    if known is not None:
        known.check_references(section, params, f"check {check!r}", problems)
    names = names_in(kind, params)
    label = f"{check} at {names['at']}" if "at" in names else check
    lines = {key: each.line for key, each in params.entries.items()}
    return Expectation(check, section, label, node.line, lines), names


def _labelled(
    found: list[tuple[Expectation, dict[str, str]]], problems: Problems
) -> tuple[Expectation, ...]:
    """Makes the labels unique, by what else the expectations look at."""
    labels = [each.label for each, _ in found]
    done: dict[str, Expectation] = {}
    for each, names in found:
        label = each.label
        if labels.count(label) > 1:
            label = ", ".join(
                [label, *(f"{key} {value}" for key, value in names.items() if key != "at")]
            )
        if label in done:
            problems.add(
                each.line,
                f"{label!r} is expected twice",
                f"merge it with line {done[label].line}",
            )
            continue
        done[label] = replace(each, label=label)
    return tuple(done.values())


def read_reproduces(
    node: Node | None, expect: tuple[Expectation, ...], problems: Problems
) -> tuple[Expectation, ...]:
    """The expectations, those marked that a variant must see fail.

    Args:
        node: the value of `reproduces`: a mapping of a figure to what must be observed.  A figure
            is `CHECK.FIGURE`, or `LABEL.FIGURE`; of a check with one figure its name will do.
            Observed is a number, a bound such as `at least 3`, or `seen`: anything that fails.
        expect: the expectations.
        problems: takes what is wrong.
    """
    if node is None:
        return expect
    if not isinstance(node.value, dict) or not node.value:
        problems.add(
            node.line,
            "'reproduces' is not a mapping",
            "write for example { delivery.lost: 3 } or { half-open: seen }",
        )
        return expect
    marks: dict[str, dict[str, str]] = {}
    for key, each in node.value.items():
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
    named, dot, figure = key.partition(".")
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
            f"reproduces {key}: {wanted.number} is no failure, {bound} is expected",
            "write a number that fails, or leave it out",
        )
        return None
    return str(wanted)
