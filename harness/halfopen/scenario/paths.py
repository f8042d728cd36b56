"""Reads the path that joins the hosts of a scenario, the way back, and the family of addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from halfopen.model.topology import LONGEST_PATH, Family
from halfopen.scenario.context import Context
from halfopen.scenario.names import MIDDLEBOX, PROXY, UNKNOWN
from halfopen.scenario.raw import Named, RawHost, RawPath
from halfopen.sections import Problems, quote, suggest
from halfopen.yamlfile import Node

PATH_EXAMPLE = "[sender, firewall, receiver]"
RETURN_EXAMPLE = "[receiver, router, sender]"

FAMILIES: tuple[Family, ...] = get_args(Family)


def parse_family(node: Node, problems: Problems) -> Family | None:
    """The family of addresses in the text `node`."""
    for family in FAMILIES:
        if node.value == family:
            return family
    problems.add(
        node.line, f"family: {quote(node.plain())} is none", f"write {' or '.join(FAMILIES)}"
    )
    return None


def parse_path(node: Node, key: str, example: str, problems: Problems) -> RawPath | None:
    """The hosts in the list `node`; None if it is not a list of strings.

    Args:
        node: the value of `path` or `return path`, or one of `paths`.
        key: which of the two, or `paths`.
        example: for messages.
        problems: takes what is wrong.
    """
    if isinstance(node.value, tuple) and all(isinstance(n.value, str) for n in node.value):
        return RawPath(tuple(Named(str(n.value), n.line) for n in node.value), node.line)
    problems.add(node.line, f"{key!r} is not a list of hosts", f"write for example {example}")
    return None


def parse_paths(written: Mapping[str, Node], problems: Problems) -> tuple[RawPath, ...] | None:
    """The paths that `path` or `paths` names; None if neither does so rightly.

    Args:
        written: what a variant or a scenario says, one of the two keys in it.
        problems: takes what is wrong.
    """
    one, several = written.get("path"), written.get("paths")
    if one is not None and several is not None:
        problems.add(
            several.line,
            f"both 'path' (line {one.line}) and 'paths' are given",
            "write all paths under `paths:`",
        )
        return None
    if one is not None:
        path = parse_path(one, "path", PATH_EXAMPLE, problems)
        return None if path is None else (path,)
    assert several is not None
    if not isinstance(several.value, tuple) or not several.value:
        problems.add(
            several.line, "'paths' is not a list of paths", f"write lines like `- {PATH_EXAMPLE}`"
        )
        return None
    found = [parse_path(each, "paths", PATH_EXAMPLE, problems) for each in several.value]
    whole = tuple(path for path in found if path is not None)
    return whole if len(whole) == len(found) else None


def check_paths(
    paths: Sequence[RawPath],
    back: RawPath | None,
    hosts: Mapping[str, RawHost],
    problems: Problems,
) -> None:
    """Note what is wrong with each path: endpoint, middleboxes and proxies, endpoint.

    Args:
        paths: the way there; several if hosts are joined otherwise than in a row.
        back: the way back, if it differs.
        hosts: by name, all of which must be on one of them.
        problems: takes what is wrong.
    """
    for path in paths:
        _check_path(path, hosts, problems)
    on_paths = {name for path in paths for name in path.names}
    elsewhere = () if back is None else back.names
    for name, host in hosts.items():
        if name not in on_paths and name not in elsewhere:
            which = "the path" if len(paths) == 1 else "any path"
            problems.add(
                host.node.line, f"host {name} is not on {which}", "add it, or leave it out"
            )
    if len(paths) == 1 and (count := len({*on_paths, *elsewhere})) > LONGEST_PATH:
        problems.add(
            paths[0].line,
            f"{count} hosts are on the path and the return path",
            f"a lab has addresses for {LONGEST_PATH}",
        )


def _check_path(path: RawPath, hosts: Mapping[str, RawHost], problems: Problems) -> None:
    names = path.names
    for number, (name, line) in enumerate((each.name, each.line) for each in path.hosts):
        role = hosts[name].role if name in hosts else UNKNOWN
        if name not in hosts:
            problems.add(
                line,
                f"the path names unknown host {quote(name)}",
                suggest(name, hosts, "available hosts"),
            )
        elif name in names[:number]:
            problems.add(line, f"{name} is on the path more than once", "name each host once")
        elif number in (0, len(names) - 1):
            ends = "begins" if number == 0 else "ends"
            if role == MIDDLEBOX:
                problems.add(
                    line,
                    f"the path {ends} with {name}, a middlebox",
                    "both ends must run a system",
                )
            elif role == PROXY:
                problems.add(
                    line,
                    f"the path {ends} with {name}, a proxy",
                    "a proxy must be between the two ends",
                )
        elif role not in (MIDDLEBOX, PROXY, UNKNOWN):
            problems.add(
                line,
                f"{name} is in the middle of the path, but runs a system",
                "only middleboxes and proxies can be between the two ends",
            )
    if len(names) < 3:
        problems.add(
            path.line, "the path is shorter than three hosts", f"write for example {PATH_EXAMPLE}"
        )


def check_return_path(back: RawPath, context: Context) -> None:
    """Note what is wrong with the way back, from the last host of the path to its first."""
    names, path, problems = back.names, context.names.path, context.problems
    if not path:
        return
    if len(names) < 2 or (names[0], names[-1]) != (path[-1], path[0]):
        problems.add(
            back.line,
            f"the return path does not go from {path[-1]} to {path[0]}",
            f"write for example [{path[-1]}, router, {path[0]}]",
        )
    for number, (name, line) in enumerate((each.name, each.line) for each in back.hosts):
        if name in names[:number]:
            problems.add(line, f"{name} is twice on the return path", "name each host once")
        elif number not in (0, len(names) - 1):
            context.check_middlebox(name, line, "the return path")
