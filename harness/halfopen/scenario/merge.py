"""Merges what a variant says of a host into what the scenario says of it."""

from __future__ import annotations

from halfopen.yamlfile import Node


def merge_host(base: Node, over: Node) -> Node:
    """The host `over` on top of `base`, or alone if it runs or plays something else."""
    return over if _is_another(base, over) else deep_merge(base, over)


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
