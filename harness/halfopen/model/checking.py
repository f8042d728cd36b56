"""Check of JSON values against the definitions in :mod:`halfopen.model.records`.

What is right costs about as much as looking at each value once: a history can have millions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from halfopen.model.records import KINDS

_WORDS = {
    float: "a number",
    int: "a whole number",
    str: "text",
    bool: "true or false",
    NoneType: "null",
}


def problem_of(record: object) -> str:
    """What is wrong with a record, in words; empty if nothing is.

    Fields that no definition has are those of a later version: they are passed over.
    """
    if not isinstance(record, dict):
        return "a record must be a JSON object"
    kind = record.get("kind")
    definition = KINDS.get(kind) if isinstance(kind, str) else None
    if definition is None:
        if kind is None:
            return "a record must have a kind"
        near = get_close_matches(str(kind), KINDS, n=1)
        return f"unknown record kind {kind!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    problem = _shape(definition).problem(record)
    return f"record {kind!r}: {problem}" if problem else ""


class _Rule:
    """What a value may be.

    Args:
        types: a value of one of these types is right, without a further look.
        words: what is right, for an error message.
        deep: looks at any other value: returns what is wrong with it, beginning with its path.
    """

    def __init__(
        self,
        types: frozenset[type],
        words: str,
        deep: Callable[[Any], str] | None = None,
    ) -> None:
        self.types = types
        self.words = words
        self._deep = deep

    def problem(self, value: object) -> str:
        """What is wrong with a value, as the end of a sentence about it; empty if nothing is."""
        if type(value) in self.types:
            return ""
        if self._deep is not None:
            return self._deep(value)
        return f" is {_excerpt(value)}; expected {self.words}"


class _Shape:
    """The fields of a TypedDict."""

    def __init__(self, definition: type[Any]) -> None:
        hints = get_type_hints(definition, include_extras=True)
        self.rules = {name: _rule(hint) for name, hint in hints.items()}
        optional = {name for name, hint in hints.items() if get_origin(hint) is NotRequired}
        self.required = self.rules.keys() - (optional - {"t"})

    def problem(self, data: Mapping[str, object]) -> str:
        """What is wrong with an object; empty if nothing is."""
        if not self.required <= data.keys():
            missing = [name for name in self.rules if name in self.required - data.keys()]
            return f"field {missing[0]!r} is missing"
        rules = self.rules
        for name, value in data.items():
            rule = rules.get(name)
            if rule is None or type(value) in rule.types:
                continue
            if problem := rule.problem(value):
                return f"field {name!r}{problem}"
        return ""


_SHAPES: dict[object, _Shape] = {}


def _shape(definition: type[Any]) -> _Shape:
    if (shape := _SHAPES.get(definition)) is None:
        shape = _SHAPES[definition] = _Shape(definition)
    return shape


def _rule(hint: Any) -> _Rule:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is NotRequired:
        return _rule(arguments[0])
    if hint is Any:
        return _Rule(frozenset(), "anything", lambda _: "")
    if hint is float:
        return _Rule(frozenset({float, int}), _WORDS[float])
    if hint in _WORDS:
        return _Rule(frozenset({hint}), _WORDS[hint])
    if origin is Literal:
        return _one_of(arguments)
    if origin in (Union, UnionType):
        rules = [_rule(each) for each in arguments]
        types = frozenset().union(*(rule.types for rule in rules))
        return _Rule(types, " or ".join(rule.words for rule in rules))
    if origin is list:
        return _list(_rule(arguments[0]))
    if origin is dict:
        return _mapping(_rule(arguments[1]))
    if is_typeddict(hint):
        return _object(_shape(hint))
    raise TypeError(f"no rule for the type {hint!r}")


def _one_of(allowed: tuple[Any, ...]) -> _Rule:
    words = " or ".join(repr(each) for each in allowed)

    def deep(value: object) -> str:
        if isinstance(value, str) and value in allowed:
            return ""
        return f" is {_excerpt(value)}; expected {words}"

    return _Rule(frozenset(), words, deep)


def _list(item: _Rule) -> _Rule:
    def deep(values: object) -> str:
        if type(values) is not list:
            return f" is {_excerpt(values)}; expected a list"
        for index, value in enumerate(values):
            if type(value) not in item.types and (problem := item.problem(value)):
                return f"[{index}]{problem}"
        return ""

    return _Rule(frozenset(), "a list", deep)


def _mapping(item: _Rule) -> _Rule:
    def deep(values: object) -> str:
        if type(values) is not dict:
            return f" is {_excerpt(values)}; expected an object"
        for name, value in values.items():
            if type(value) not in item.types and (problem := item.problem(value)):
                return f"[{name!r}]{problem}"
        return ""

    return _Rule(frozenset(), "an object", deep)


def _object(shape: _Shape) -> _Rule:
    def deep(value: object) -> str:
        if type(value) is not dict:
            return f" is {_excerpt(value)}; expected an object"
        problem = shape.problem(value)
        return f": {problem}" if problem else ""

    return _Rule(frozenset(), "an object", deep)


def _excerpt(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
