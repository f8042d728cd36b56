"""Names of hosts: the type of a field says which kind of host it means.

The loader holds every such field against the scenario's hosts, the help and the JSON Schema say
what is meant, and a lab is told by them what will be asked of which host.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from halfopen.fields.section import Section, marks

Role = Literal["endpoint", "middlebox", "host", "link"]


@dataclass(frozen=True)
class HostRef:
    """Mark of a field that names a host.

    Attributes:
        role: an `endpoint` runs a system; a `middlebox` plays a profile; a `host` is either; a
            `link` is two neighbours.
        system: that the endpoint must run, None for any.
    """

    role: Role
    system: str | None = None


@dataclass(frozen=True)
class HostReference:
    """A host, or a link, that a section names.

    Attributes:
        key: of the field, as a scenario writes it.
        names: one host; two for a link.
        ref: what it must be.
    """

    key: str
    names: tuple[str, ...]
    ref: HostRef


def _two(pair: tuple[str, str]) -> tuple[str, str]:
    if pair[0] == pair[1]:
        raise ValueError("a link has two ends; name two neighbours on the path")
    return pair


def _name(words: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": words})


def _names(words: str) -> WithJsonSchema:
    several = {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True}
    return WithJsonSchema({"anyOf": [{"type": "string"}, several], "description": words})


def _several(value: object) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ValueError("it is not a host, or a list of hosts; write for example [first, second]")
    if not names or len(set(names)) != len(names):
        raise ValueError("each host is named once; write for example [first, second]")
    return tuple(names)


Endpoint = Annotated[str, HostRef("endpoint"), _name("an endpoint")]
"""A host that runs a system."""

Endpoints = Annotated[
    tuple[str, ...],
    HostRef("endpoint"),
    BeforeValidator(_several),
    _names("an endpoint, or several in the order in which they are tried"),
]
"""Hosts that run a system: one, or a list in order."""

EndpointGroup = Annotated[
    tuple[str, ...],
    HostRef("endpoint"),
    BeforeValidator(_several),
    _names("a group, or a list of endpoints and groups"),
]
"""Hosts that run a system, of which something is said together."""

MiddleboxHost = Annotated[str, HostRef("middlebox"), _name("a middlebox")]
"""A host that plays a profile."""

AnyHost = Annotated[str, HostRef("host"), _name("a host")]
"""Any host of the scenario."""

ToxiproxyHost = Annotated[
    str, HostRef("endpoint", "toxiproxy"), _name("a host that runs toxiproxy")
]
"""A host that runs Toxiproxy."""

Link = Annotated[
    tuple[str, str],
    HostRef("link"),
    AfterValidator(_two),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 2,
            "maxItems": 2,
            "uniqueItems": True,
            "description": "a link: two neighbours",
        }
    ),
]
"""The link between two neighbours."""


def host_references(section: Section) -> Iterator[HostReference]:
    """Every host that a section names, in the order of its fields, however deep."""
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        ref = next((mark for mark in marks(field) if isinstance(mark, HostRef)), None)
        if ref is not None:
            yield from _references(field.alias or name, value, ref)
        elif isinstance(value, Section):
            yield from host_references(value)


def _references(key: str, value: Any, ref: HostRef) -> Iterator[HostReference]:
    if value is None:
        return
    if isinstance(value, str):
        yield HostReference(key, (value,), ref)
    elif ref.role == "link":
        yield HostReference(key, tuple(value), ref)
    else:
        for each in value:
            yield from _references(key, each, ref)
