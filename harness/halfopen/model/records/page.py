"""Makes `docs/history.md` from the definitions: `python -m halfopen.model.records.page FILE`."""

from __future__ import annotations

import sys
from inspect import getdoc
from pathlib import Path
from textwrap import dedent
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
from halfopen.model.records._base import OfHost, OfProgram, Timed
from halfopen.model.records.messages import OfMessages

_INTRODUCTION = """\
# The history of a run

<!-- made from halfopen.model.records by `make schema` -->

Each run writes `history.jsonl` into its directory below `--out`: JSON Lines, one record on each
line, written while the run goes on, so that whatever a killed run has seen can still be judged
(`halfopen check DIR`). The first record is the `header`, which holds the whole plan: a history
needs nothing beside it. The last one is `end`, unless the run was killed; then the last line may be
torn, and is passed over.

Every record has `kind` and `t`: seconds of lab time since the run began (monotonic). Samples
(`fds`, `sockets`, `conntrack`, `drops`) are recorded when they change, and at least once a second;
on a host with thousands of sockets less often. Samples of `sockets` and `conntrack` are
differences: the first of a host is whole, each later one lists what is new or has changed, and
under `gone` what is no longer there; in what is not listed again only clocks went on. `seqs` is a
list of runs `[first, last]` of message numbers, both included.

A history that is read is checked against these tables; what is wrong is named with its line. Fields
that are not listed are passed over: a later version may have more. From Python, read it with
`read_history(directory)` and take records by their definition, for example
`history.of(SocketsRecord, host="receiver")`.
"""
_TYPES = {float: "number", int: "integer", str: "text", bool: "true or false", NoneType: "null"}


def page() -> str:
    """The page in Markdown."""
    parts = [_INTRODUCTION]
    for kind, definition in KINDS.items():
        parts += [f"## `{kind}`", "", _summary(definition), "", *_table(definition), ""]
        for part in _parts(definition):
            parts += [f"Each of `{part[0]}`:", "", *_table(part[1]), ""]
    return "\n".join(parts)


def documented(definition: type[Any]) -> dict[str, str]:
    """Field -> what it means, from the docstrings of a definition and of what it builds on."""
    found: dict[str, str] = {}
    for base in (Timed, OfHost, OfProgram, OfMessages):  # a TypedDict does not know its own bases
        known = base.__annotations__.keys() <= definition.__annotations__.keys()
        if known and base is not definition:
            found |= documented(base)
    _, _, attributes = (getdoc(definition) or "").partition("Attributes:\n")
    name = ""
    for line in dedent(attributes).splitlines():
        if line.startswith(" "):
            found[name] += f" {line.strip()}"
        elif line:
            name, _, text = line.partition(": ")
            found[name] = text
    return found


def _summary(definition: type[Any]) -> str:
    return (getdoc(definition) or "").partition("\n")[0]


def _table(definition: type[Any]) -> list[str]:
    lines = ["| field | type | meaning |", "|---|---|---|"]
    meanings = documented(definition)
    for name, hint in get_type_hints(definition, include_extras=True).items():
        if name not in ("t", "kind"):
            optional = " (optional)" if get_origin(hint) is NotRequired else ""
            lines.append(f"| `{name}` | {_type(hint)}{optional} | {meanings[name]} |")
    return lines if len(lines) > 2 else []


def _parts(definition: type[Any]) -> list[tuple[str, type[Any]]]:
    """The fields that are lists of objects with a definition of their own."""
    return [
        (name, get_args(hint)[0])
        for name, hint in get_type_hints(definition).items()
        if get_origin(hint) is list and is_typeddict(get_args(hint)[0])
    ]


def _type(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is NotRequired:
        return _type(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in arguments)
    if origin in (Union, UnionType):
        return " or ".join(_type(each) for each in arguments)
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"object of {_type(arguments[1])}" if arguments[1] is not Any else "object"
    return _TYPES.get(hint, "object")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
