"""Merges what a variant says into what the scenario says: a variant is a difference, not a copy."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from halfopen.ports import Check
from halfopen.sections import keys_of
from halfopen.yamlfile import Node


@dataclass(frozen=True)
class RawVariant:
    """The parts of a scenario that a variant can change, as they are written; None if absent."""

    line: int
    about: Node | None = None
    scale: Node | None = None
    hosts: Node | None = None
    family: Node | None = None
    path: Node | None = None
    return_path: Node | None = None
    steps: Node | None = None
    expect: Node | None = None
    reproduces: Node | None = None


def raw_variant(node: Node) -> RawVariant:
    """The parts that the mapping `node` has."""
    entries = node.entries
    names = [each.name for each in fields(RawVariant) if each.name != "line"]
    return RawVariant(node.line, **{name: entries.get(name.replace("_", " ")) for name in names})


def merge(base: RawVariant, variant: RawVariant, checks: Mapping[str, type[Check]]) -> RawVariant:
    """`variant` on top of `base`: hosts merged deeply, expectations added, the rest replaced."""
    return RawVariant(
        line=variant.line,
        about=variant.about or base.about,
        scale=variant.scale or base.scale,
        hosts=_merge_hosts(base.hosts, variant.hosts),
        family=variant.family or base.family,
        path=variant.path or base.path,
        return_path=variant.return_path or base.return_path,
        steps=variant.steps or base.steps,
        expect=_merge_expect(base.expect, variant.expect, checks),
        reproduces=variant.reproduces,
    )


def _merge_hosts(base: Node | None, over: Node | None) -> Node | None:
    if base is None or over is None:
        return over or base
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    hosts = dict(base.value)
    for name, host in over.value.items():
        old = hosts.get(name)
        # What belongs to another system, or to another profile, is not carried over.
        hosts[name] = host if old is None or _is_another(old, host) else deep_merge(old, host)
    return Node(hosts, base.line)


def _is_another(old: Node, new: Node) -> bool:
    return any(
        key in new.entries
        and (key not in old.entries or old.entries[key].value != new.entries[key].value)
        for key in ("run", "profile")
    )


def deep_merge(base: Node, over: Node) -> Node:
    """`over` where it says something, else `base`; every value keeps its own line."""
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    entries = dict(base.value)
    for key, node in over.value.items():
        entries[key] = deep_merge(entries[key], node) if key in entries else node
    return Node(entries, base.line)


def _merge_expect(
    base: Node | None, over: Node | None, checks: Mapping[str, type[Check]]
) -> Node | None:
    if base is None or over is None:
        return over or base
    if not isinstance(base.value, tuple) or not isinstance(over.value, tuple):
        return over
    merged = list(base.value)
    identities = [identity(node, checks) for node in merged]
    for node in over.value:
        mine = identity(node, checks)
        if mine is not None and mine in identities:
            merged[identities.index(mine)] = node
        else:
            merged.append(node)
    return Node(tuple(merged), base.line)


def identity(node: Node, checks: Mapping[str, type[Check]]) -> tuple[Any, ...] | None:
    """What makes an expectation the same as another: its check, and what it looks at.

    What it looks at are the parameters that are names (`at`, `kind`), not bounds.  None if the
    node is no expectation.
    """
    if len(node.entries) != 1:
        return None
    ((check, params),) = node.entries.items()
    if check not in checks:
        return None
    names = names_in(checks[check], params)
    return (check, *sorted(names.items()))


def names_in(check: type[Check], params: Node) -> dict[str, str]:
    """The parameters that name what an expectation looks at, as written."""
    return {
        key: str(params.entries[key].value)
        for key, (annotation, _) in keys_of(check).items()
        if key in params.entries
        and isinstance(params.entries[key].value, str)
        and _is_name(annotation)
    }


def _is_name(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        inner = [each for each in typing.get_args(annotation) if each is not type(None)]
        return bool(inner) and all(_is_name(each) for each in inner)
    return annotation is str or origin is Literal
