"""Holds what a YAML file says against a :class:`~halfopen.fields.Section`, in plain sentences.

Pydantic finds what is wrong; its messages are written for programmers, so they are translated
here, and each gets the line of the key that it is about.
"""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from halfopen.errors import Problem
from halfopen.fields import Section
from halfopen.yamlfile import Node

S = TypeVar("S", bound=Section)

_LONGEST = 80  # characters of a value that a message quotes


class Problems:
    """Collects what is wrong with one file, each thing once.

    Args:
        file: as messages name it.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[Problem, None] = {}

    def add(self, line: int, what: str, remedy: str = "") -> None:
        """Note one."""
        self._found[Problem(self.file, line, what, remedy)] = None

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note those of another file, or of a part that was read apart."""
        self._found.update(dict.fromkeys(problems))

    def sorted(self, before: Sequence[Problem] = ()) -> list[Problem]:
        """All of them in the order of the file.

        Args:
            before: what was wrong already when the file was read; whatever else there is to say
                of the same line probably follows from that, and is left out.
        """
        lines = {(each.file, each.line) for each in before}
        return sorted({*before, *(p for p in self._found if (p.file, p.line) not in lines)})

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found)


def quote(value: object) -> str:
    """`value` as a message shows it: short, and as the file has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4] + " ..."


def say_duration(seconds: float) -> str:
    """`seconds` exactly, in the unit that a person would take: `350 s`, `75 min`, `32 d`."""
    for unit, length, least in (("d", 86400, 2), ("h", 3600, 2), ("min", 60, 10)):
        if seconds >= least * length and seconds % length == 0:
            return f"{seconds / length:.0f} {unit}"
    number = f"{seconds:.{2 if seconds >= 1 else 3}f}".rstrip("0").rstrip(".")
    return f"{number} s"


def suggest(word: str, known: Iterable[str], kind: str = "known") -> str:
    """A remedy for an unknown word: the nearest known one, else all of them."""
    known = sorted(known)
    if near := nearest(word, known):
        return f"did you mean {near!r}?"
    return f"{kind}: {', '.join(known)}" if known else f"{kind}: none"


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is most like another; empty if none is."""
    found = difflib.get_close_matches(word[:100], sorted(known), n=1, cutoff=0.6)
    return found[0] if found else ""


def check_keys(node: Node, known: Iterable[str], where: str, problems: Problems) -> bool:
    """Note every key of the mapping `node` that is not known; False if it is no mapping.

    Args:
        node: what should be a mapping.
        known: the keys that it may have.
        where: what it is, for messages: `in a step`.
        problems: takes what is wrong.
    """
    if not isinstance(node.value, dict):
        problems.add(
            node.line, f"{quote(node.plain())} {where} is not a mapping", "write `key: value`"
        )
        return False
    known = set(known)
    for key, value in node.value.items():
        if key not in known:
            problems.add(value.line, f"unknown key {key!r} {where}", suggest(key, known))
    return True


def keys_of(section: type[Section]) -> dict[str, Any]:
    """The keys that a section takes in a file, with the annotation of each field."""
    return {
        field.alias or name: (field.annotation, field.metadata)
        for name, field in section.model_fields.items()
    }


def validate(
    section: type[S],
    node: Node,
    where: str,
    problems: Problems,
    *,
    absent: Problems | None = None,
) -> S | None:
    """The mapping `node` as a `section`; None if something is wrong with it.

    Args:
        section: what it should be.
        node: what the file says.
        where: what it is, for messages: `for sender`.
        problems: takes what is wrong.
        absent: takes missing keys, if the mapping may yet be merged with another.
    """
    try:
        return section.model_validate(node.plain(), by_alias=True, by_name=False)
    except ValidationError as error:
        found = error.errors(include_url=False)
    for path, group in _by_place(node, found).items():
        target, depth = _walk(node, path)
        missing = all(each["type"] == "missing" for each in group)
        takes = problems if absent is None or not missing else absent
        _explain(section, path, depth, target, group, where, takes)
    return None


def line_of(node: Node, path: Sequence[str | int]) -> int:
    """The line of what lies at `path` below `node`, or of the nearest mapping around it."""
    return _walk(node, path)[0].line


def line_of_text(node: Node, text: str) -> int:
    """The line where `text` is the value, somewhere below `node`; else that of `node`."""

    def search(here: Node) -> int | None:
        if isinstance(here.value, dict):
            children: Iterable[Node] = here.value.values()
        elif isinstance(here.value, tuple):
            children = here.value
        else:
            return here.line if here.value == text else None
        return next((line for child in children if (line := search(child)) is not None), None)

    return search(node) or node.line


def _step(node: Node, key: str | int) -> Node | None:
    if isinstance(node.value, dict):
        return node.value.get(str(key))
    if isinstance(node.value, tuple) and isinstance(key, int) and key < len(node.value):
        return node.value[key]
    return None


def _walk(node: Node, path: Sequence[str | int]) -> tuple[Node, int]:
    for depth, key in enumerate(path):
        child = _step(node, key)
        if child is None:
            return node, depth
        node = child
    return node, len(path)


def _by_place(node: Node, found: Sequence[Any]) -> dict[tuple[str | int, ...], list[Any]]:
    """The errors by the place in the file that they are about.

    For a value that may be one of several things pydantic tells what is wrong with each; the
    names of those alternatives are no keys of the file and are left out, and of several
    alternatives only the one counts that fits deepest.
    """
    places: dict[tuple[str | int, ...], list[Any]] = {}
    for error in found:
        here, place = node, []
        location = error["loc"]
        for number, key in enumerate(location):
            child = _step(here, key)
            if child is not None:
                here = child
                place.append(key)
            elif error["type"] == "missing" and number == len(location) - 1:
                place.append(key)
        places.setdefault(tuple(place), []).append(error)
    return {
        place: group
        for place, group in places.items()
        if not place or not any(o != place and o[: len(place)] == place for o in places)
    }


def _explain(
    section: type[Section],
    path: tuple[str | int, ...],
    depth: int,
    target: Node,
    group: Sequence[Any],
    where: str,
    problems: Problems,
) -> None:
    name = " ".join(str(key) for key in path if isinstance(key, str))
    first = group[0]
    kind = first["type"]
    if kind == "missing":
        problems.add(target.line, f"{name!r} is missing {where}", "add it")
    elif kind == "extra_forbidden":
        known = known_keys(section, path[:-1])
        key = str(path[-1]) if path else ""
        problems.add(target.line, f"unknown key {key!r} {where}", suggest(key, known))
    elif not path and kind in _MAPPING_TYPES:
        problems.add(
            target.line, f"{quote(target.plain())} {where} is not a mapping", "write `key: value`"
        )
    else:
        value = target.plain() if depth == len(path) else None
        what, remedy = _sentence(first, value)
        if kind in _MAPPING_TYPES:
            inside = sorted(known_keys(section, path))
            what = f"{quote(value)} is not accepted here"
            remedy = f"use off, or a mapping of {', '.join(inside)}"
        if len(group) > 1 and kind != "value_error":
            wants = dict.fromkeys(_wanted(each) for each in group)
            what, remedy = f"{quote(value)} is not accepted here", "use " + " or ".join(wants)
        subject = f"{name} {where}: " if name else f"{where}: "
        problems.add(target.line, subject + what, remedy)


def known_keys(section: type[Section], path: Sequence[str | int]) -> set[str]:
    """The keys that may stand at `path` below a section."""
    candidates: list[type[Section]] = [section]
    for key in path:
        inner: list[type[Section]] = []
        for each in candidates:
            if isinstance(key, int):
                inner.append(each)
            elif key in (keys := keys_of(each)):
                inner.extend(_sections_in(keys[key][0]))
        candidates = inner
    return {key for each in candidates for key in keys_of(each)}


def _sections_in(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [found for arg in typing.get_args(annotation) for found in _sections_in(arg)]


_MAPPING_TYPES = ("model_type", "model_attributes_type", "dict_type", "mapping_type")
_NUMBER_LIMITS = {
    "greater_than_equal": ("ge", "too small", "{} or more"),
    "greater_than": ("gt", "too small", "more than {}"),
    "less_than_equal": ("le", "too large", "{} or less"),
    "less_than": ("lt", "too large", "less than {}"),
}


def _wanted(error: Any) -> str:
    """What would be right, as the end of `write ...`."""
    kind: str = error["type"]
    context = error.get("ctx", {})
    if kind in ("literal_error", "enum"):
        return _unquoted(context["expected"])
    if kind in _NUMBER_LIMITS:
        key, _, form = _NUMBER_LIMITS[kind]
        return form.format(f"{context[key]:g}")
    if kind.startswith("int_"):
        return "a whole number"
    if kind.startswith(("float_", "decimal_", "finite_")):
        return "a number"
    if kind.startswith("bool_"):
        return "true or false"
    if kind in _MAPPING_TYPES:
        return "a mapping"
    if kind in ("list_type", "tuple_type", "set_type"):
        return "a list"
    if kind == "value_error":
        _, _, remedy = str(context["error"]).partition("; ")
        return remedy.removeprefix("write for example ").removeprefix("write ") or "another value"
    if kind.startswith("string_"):
        return "a text"
    message = re.sub(r"^(Input|Value) should (be|have) ", "", error["msg"])
    return message[:1].lower() + message[1:]


def _unquoted(expected: str) -> str:
    return expected.replace("'", "")


def _sentence(error: Any, value: Any) -> tuple[str, str]:
    kind: str = error["type"]
    context = error.get("ctx", {})
    if kind == "value_error":
        what, _, remedy = str(context["error"]).partition("; ")
        return (
            what if len(what) < 4 * _LONGEST else f"{quote(value)} is not accepted here"
        ), remedy
    if kind in ("literal_error", "enum"):
        known = re.findall(r"'([^']*)'", context["expected"])
        near = difflib.get_close_matches(str(value)[:100], known, n=1, cutoff=0.6)
        remedy = f"did you mean {near[0]!r}?" if near else f"write {_wanted(error)}"
        return f"{quote(value)} is not an allowed value", remedy
    if kind in _NUMBER_LIMITS:
        key, what, form = _NUMBER_LIMITS[kind]
        limit = f"{context[key]:g}"
        if isinstance(value, str) and value.rstrip()[-1:].isalpha():  # a duration, with its unit
            limit = say_duration(context[key])
        return f"{quote(value)} is {what}", f"write {form.format(limit)}"
    wanted = _wanted(error)
    return f"{quote(value)} is not {wanted}", f"write {wanted}"
