"""What a parameter takes and means, in words; from its type, and from its section's docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any, TypeVar

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
    if description := kind.get("description"):
        return str(description)
    if kind.get("type") == "array":
        inner: Schema = kind.get("items") or next(iter(kind.get("prefixItems", ())), {})
        number = kind.get("minItems")
        exactly = f"{number} of: " if number == kind.get("maxItems") and number else ""
        return f"list of {exactly}{in_words(inner, definitions)}"
    words = _TYPES.get(str(kind.get("type")), "anything")
    limits = [form.format(kind[key]) for key, form in _LIMITS.items() if key in kind]
    return ", ".join([words, *limits])


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
