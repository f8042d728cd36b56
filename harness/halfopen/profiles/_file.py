"""Reads a profile file."""

from __future__ import annotations

from pathlib import Path

from halfopen.errors import InputError, Problem
from halfopen.model.units import parse_duration
from halfopen.ports import Profile
from halfopen.profiles._values import MiddleboxValues
from halfopen.sections import Problems, check_keys, keys_of, quote, validate
from halfopen.yamlfile import Node, read_yaml

CONFIDENCES = ("vendor", "measured", "secondary", "unverified")
"""How sure a figure is: the maker's own text or source code; measured by us; somebody else's
text; general knowledge that nobody has checked."""

ASSUMED = "no figure found; a common value is assumed, set your own"
"""The source of a value that a profile leaves out."""

_FIGURE = ("value", "range", "source", "confidence", "note", "conflict")


def load_profile(path: Path, shown: str | None = None) -> Profile:
    """The profile in the file at `path`.

    A figure is a mapping of value, source, confidence and perhaps range (least and most that the
    product lets one set), note, and conflict (where another source says something else); or, for
    one's own use, just the value.  What is left out is assumed, and marked as unverified.

    Args:
        path: the file.
        shown: how messages name it; `path` by default.

    Raises:
        InputError: with everything that is wrong with it.
    """
    shown = shown or str(path)
    before: list[Problem] = []
    root = read_yaml(path, shown, before)
    problems = Problems(shown)
    figures = keys_of(MiddleboxValues)
    check_keys(root, ("profile", "title", "about", *figures), "in a profile", problems)
    name = _text(root, "profile", problems) or path.stem
    title = _text(root, "title", problems, default=name) or name
    about = _text(root, "about", problems, default="") or ""
    values: dict[str, Node] = {}
    sources: dict[str, dict[str, str]] = {}
    ranges: dict[str, tuple[float, float]] = {}
    for key, node in root.entries.items():
        if key not in figures:
            continue
        if not isinstance(node.value, dict):
            values[key] = node
            sources[key] = {"source": shown, "confidence": "unverified"}
            continue
        check_keys(node, _FIGURE, f"for {key!r}", problems)
        if "value" not in node.entries:
            problems.add(node.line, f"'value' is missing for {key!r}", "add it")
            continue
        values[key] = Node(node.entries["value"].value, node.entries["value"].line)
        sources[key] = _source(key, node, problems)
        if limits := _range(node, problems):
            ranges[key] = limits
    section = validate(MiddleboxValues, Node(values, root.line), f"in profile {name!r}", problems)
    if before or len(problems) or section is None:
        raise InputError(problems.sorted(before))
    for key in figures:
        sources.setdefault(key, {"source": ASSUMED, "confidence": "unverified"})
    return Profile(name, title, section, sources, ranges, about)


def _text(root: Node, key: str, problems: Problems, default: str | None = None) -> str | None:
    node = root.entries.get(key)
    if node is None:
        if default is None:
            problems.add(root.line, f"{key!r} is missing in a profile", "add it")
        return default
    if not isinstance(node.value, str) or not node.value.strip():
        problems.add(node.line, f"{key}: {quote(node.plain())} is not a text", "write a text")
        return None
    return node.value.strip()


def _source(key: str, node: Node, problems: Problems) -> dict[str, str]:
    found = {}
    for each in ("source", "confidence", "note", "conflict"):
        entry = node.entries.get(each)
        if entry is None:
            if each in ("source", "confidence"):
                problems.add(node.line, f"{each!r} is missing for {key!r}", "add it")
        elif not isinstance(entry.value, str):
            problems.add(
                entry.line, f"{each}: {quote(entry.plain())} is not a text", "write a text"
            )
        else:
            found[each] = entry.value.strip()
    if found.get("confidence", CONFIDENCES[0]) not in CONFIDENCES:
        problems.add(
            node.entries["confidence"].line,
            f"{found['confidence']!r} is not a confidence",
            f"write {', '.join(CONFIDENCES[:-1])} or {CONFIDENCES[-1]}",
        )
    return found


def _range(node: Node, problems: Problems) -> tuple[float, float] | None:
    entry = node.entries.get("range")
    if entry is None:
        return None
    try:
        least, most = (parse_duration(str(each)) for each in entry.plain())
    except (TypeError, ValueError):
        least, most = 1.0, 0.0
    if not isinstance(entry.value, tuple) or least > most:
        problems.add(
            entry.line, "'range' is not a minimum and a maximum duration", "write [5 min, 32 d]"
        )
        return None
    return least, most
