"""Reads what a scenario expects, and which failure a variant must reproduce."""

from __future__ import annotations

from dataclasses import replace

from halfopen.ports import Vocabulary
from halfopen.scenario.hosts import Known
from halfopen.scenario.merge import names_in
from halfopen.scenario.model import Expectation
from halfopen.sections import Problems, quote, suggest, validate
from halfopen.yamlfile import Node


def read_expectations(
    node: Node | None, vocabulary: Vocabulary, known: Known | None, problems: Problems
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
    node: Node, vocabulary: Vocabulary, known: Known | None, problems: Problems
) -> tuple[Expectation, dict[str, str]] | None:
    ((check, params),) = node.entries.items()
    kind = vocabulary.checks.get(check)
    if kind is None:
        problems.add(
            node.line,
            f"unknown check {quote(check)}",
            suggest(check, vocabulary.checks, "the checks that there are"),
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
                f"put it together with line {done[label].line}",
            )
            continue
        done[label] = replace(each, label=label)
    return tuple(done.values())


def read_reproduces(
    node: Node | None, expect: tuple[Expectation, ...], problems: Problems
) -> tuple[Expectation, ...]:
    """The expectations, those marked that a variant must see fail.

    Args:
        node: the value of `reproduces`: a mapping of check, or label, to a number or `seen`.
        expect: the expectations.
        problems: takes what is wrong.
    """
    if node is None:
        return expect
    if not isinstance(node.value, dict) or not node.value:
        problems.add(
            node.line,
            "'reproduces' is not a mapping",
            "write for example { half-open: 3 } or { half-open: seen }",
        )
        return expect
    marks: dict[str, float | bool] = {}
    for key, each in node.value.items():
        labels = [e.label for e in expect if e.label == key] or [
            e.label for e in expect if e.check == key
        ]
        if not labels:
            known = {e.label for e in expect} | {e.check for e in expect}
            problems.add(
                each.line,
                f"'reproduces' names {quote(key)}, which nothing here expects",
                suggest(key, known, "expected are"),
            )
        elif len(labels) > 1:
            problems.add(
                each.line,
                f"'reproduces' names {quote(key)}, which {len(labels)} expectations are about",
                "write " + " or ".join(repr(label) for label in labels),
            )
        value = each.plain()
        if value == "seen":
            mark: float | bool = True
        elif isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            mark = float(value)
        else:
            problems.add(
                each.line,
                f"reproduces {key}: {quote(value)} is not what can be observed",
                "write a number, or seen",
            )
            continue
        if len(labels) == 1:
            if labels[0] in marks:
                problems.add(each.line, f"'reproduces' names {labels[0]!r} twice", "once will do")
            marks[labels[0]] = mark
    return tuple(replace(e, reproduces=marks.get(e.label)) for e in expect)
