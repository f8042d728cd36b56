"""What a parameter takes and means, in words; from its type, and from its section's docstring."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from halfopen.fields import DURATION_SCHEMA, Section
from halfopen.sections import say_duration

S = TypeVar("S", bound=Section)
Schema = Mapping[str, Any]

_LIMITS = {
    "minimum": "{:g} or more",
    "exclusiveMinimum": "more than {:g}",
    "maximum": "at most {:g}",
    "exclusiveMaximum": "less than {:g}",
}
_TYPES = {
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "string": "text",
    "object": "mapping",
    "null": "none",
}


def describe(section: type[Section]) -> dict[str, dict[str, Any]]:
    """Every parameter of a section by the key that a scenario writes.

    Each has `required`, `type` (in words, with its unit), `default` (None if it is required, or if
    there is none) and `meaning` (empty if nobody wrote it down).
    """
    schema = section.model_json_schema(by_alias=True)
    meanings = _meanings(section)
    found = {}
    for name, field in section.model_fields.items():
        key = field.alias or name
        kind = schema["properties"][key]
        default = None if field.is_required() else _plain(field.get_default(), kind)
        found[key] = {
            "required": field.is_required(),
            "type": in_words(kind, schema.get("$defs", {})),
            "default": default,
            "meaning": meanings.get(name, ""),
        }
    return found


def in_words(kind: Schema, definitions: Mapping[str, Schema]) -> str:
    """What a JSON Schema asks for, as a person would say it."""
    kind = _resolved(kind, definitions)
    if "anyOf" in kind:
        kinds = [in_words(each, definitions) for each in kind["anyOf"] if each != {"type": "null"}]
        return " or ".join(dict.fromkeys(kinds))
    if "const" in kind:
        return str(kind["const"])
    if "enum" in kind:
        return " or ".join(str(each) for each in kind["enum"])
    if _is_duration(kind):
        return f"duration, such as {DURATION_SCHEMA['examples'][0]}"
    if examples := kind.get("examples"):
        return f"such as {examples[0]}"
    if kind.get("type") == "array":
        inner: Schema = kind.get("items") or next(iter(kind.get("prefixItems", ())), {})
        number = kind.get("minItems")
        exactly = f"{number} of: " if number == kind.get("maxItems") and number else ""
        return f"list of {exactly}{in_words(inner, definitions)}"
    words = _TYPES.get(str(kind.get("type")), "anything")
    limits = [form.format(kind[key]) for key, form in _LIMITS.items() if key in kind]
    return ", ".join([words, *limits])


def samples(section: type[S]) -> Iterator[S]:
    """Parameters that a scenario could write: the least that will do, and each choice in turn.

    An author whose section cannot be filled like that says how, in the section's
    `json_schema_extra={"examples": [...]}`.

    Raises:
        pydantic.ValidationError: if none of this makes valid parameters.
    """
    schema = section.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    least = _least(section, schema, definitions)
    yield section.model_validate(least, by_alias=True, by_name=False)
    for key, kind in schema.get("properties", {}).items():
        for choice in _resolved(kind, definitions).get("enum", ()):
            try:
                yield section.model_validate({**least, key: choice}, by_alias=True, by_name=False)
            except ValueError:
                continue  # a choice that needs others beside it


def _least(section: type[S], schema: Schema, definitions: Mapping[str, Schema]) -> dict[str, Any]:
    if schema.get("examples"):
        return dict(schema["examples"][0])
    left = {
        key: _candidates(schema["properties"][key], definitions)
        for key in schema.get("required", ())
    }
    least = {key: next(each) for key, each in left.items()}
    while True:
        try:
            section.model_validate(least, by_alias=True, by_name=False)
        except ValidationError as error:
            # There may be limits that a schema does not show.
            wrong = {str(each["loc"][0]) for each in error.errors() if each["loc"]} & set(left)
            others = {key: value for key in wrong if (value := next(left[key], None)) is not None}
            if not others:
                raise
            least |= others
        else:
            return least


def _candidates(kind: Schema, definitions: Mapping[str, Schema]) -> Iterator[Any]:
    yield _sample(kind, definitions)
    for each in _resolved(kind, definitions).get("anyOf", ()):
        yield _sample(each, definitions)
        if each.get("type") == "integer":
            yield from (1000, 1_000_000)


def _sample(kind: Schema, definitions: Mapping[str, Schema]) -> Any:
    kind = _resolved(kind, definitions)
    if _is_duration(kind):
        return "1 s"  # most that are limited are so above
    for key in ("examples", "enum", "anyOf"):
        if kind.get(key):
            first = kind[key][0]
            return _sample(first, definitions) if key == "anyOf" else first
    if "const" in kind:
        return kind["const"]
    match kind.get("type"):
        case "integer" | "number":
            return max(1, kind.get("minimum", 1), kind.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return True
        case "array":
            number = kind.get("minItems", 1)
            inner = itertools.chain(
                kind.get("prefixItems", ()), itertools.repeat(kind.get("items", {}))
            )
            found = [_sample(each, definitions) for each in itertools.islice(inner, number)]
            # A list of names is one of different names.
            return [f"{x}-{n}" if isinstance(x, str) else x for n, x in enumerate(found)]
        case "object":
            properties, required = kind.get("properties", {}), kind.get("required", ())
            return {key: _sample(properties[key], definitions) for key in required} or {"key": 1}
        case _:
            return "host"


def _resolved(kind: Schema, definitions: Mapping[str, Schema]) -> Schema:
    if "$ref" in kind:
        return _resolved(definitions[kind["$ref"].rsplit("/", 1)[1]], definitions)
    if len(kind.get("allOf", ())) == 1:
        return _resolved(kind["allOf"][0], definitions)
    return kind


def _is_duration(kind: Schema) -> bool:
    return bool(kind.get("pattern") == DURATION_SCHEMA["pattern"])


def _plain(value: object, kind: Schema) -> object:
    if isinstance(value, float) and any(
        _is_duration(each) for each in (kind, *kind.get("anyOf", ()))
    ):
        return say_duration(value)
    if isinstance(value, float) and str(kind.get("examples", [""])[0]).endswith("%"):
        return f"{100 * value:g} %"
    if isinstance(value, Section):
        return value.model_dump(mode="json", by_alias=True)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _meanings(section: type[Section]) -> dict[str, str]:
    """Field -> what the `Attributes:` of a section, or of one that it derives from, say of it."""
    found: dict[str, str] = {}
    for base in reversed(section.__mro__):
        if issubclass(base, Section) and base.__doc__:
            found |= _attributes(inspect.cleandoc(base.__doc__))
    return found


def _attributes(text: str) -> dict[str, str]:
    _, _, rest = text.partition("\nAttributes:\n")
    found: dict[str, str] = {}
    name = ""
    for line in rest.splitlines():
        if line and not line.startswith(" "):
            break  # another section
        if match := re.fullmatch(r" {4}(\w+): (.*)", line):
            name, found[match[1]] = match[1], match[2]
        elif name and line.strip():
            found[name] += " " + line.strip()
    return found
