"""Reads the path that joins the hosts of a scenario, the way back, and the family of addresses."""

from __future__ import annotations

from typing import get_args

from halfopen.model.topology import Family
from halfopen.scenario.names import PROXY, UNKNOWN, Names
from halfopen.sections import Problems, quote, suggest
from halfopen.yamlfile import Node

FAMILIES: tuple[Family, ...] = get_args(Family)


def read_family(node: Node | None, problems: Problems) -> Family:
    """The family of addresses in the text `node`: IPv4 unless it says otherwise."""
    if node is None:
        return "ipv4"
    for family in FAMILIES:
        if node.value == family:
            return family
    problems.add(
        node.line, f"family: {quote(node.plain())} is none", f"write {' or '.join(FAMILIES)}"
    )
    return "ipv4"


def read_path(
    node: Node, back: Node | None, hosts: Node | None, known: Names | None, problems: Problems
) -> tuple[str, ...]:
    """The path in the list `node`: endpoint, middleboxes, endpoint.

    Args:
        node: the value of `path`.
        back: the value of `return path`, if there is one.
        hosts: the value of `hosts`, all of which must be on one of the two.
        known: the hosts by kind; None if they are not settled yet.
        problems: takes what is wrong.
    """
    example = "write for example [sender, firewall, receiver]"
    if not _is_list(node):
        problems.add(node.line, "'path' is not a list of hosts", example)
        return ()
    listed = _listed(node)
    names = [str(each.value) for each in listed]
    if known is None or hosts is None:
        return tuple(names)
    written = hosts.entries
    for number, each in enumerate(listed):
        name = names[number]
        if name not in written:
            problems.add(
                each.line,
                f"the path names unknown host {quote(name)}",
                suggest(name, written, "available hosts"),
            )
        elif name in names[:number]:
            problems.add(each.line, f"{name} is on the path more than once", "name each host once")
        elif number in (0, len(names) - 1):
            if name in known.middleboxes:
                problems.add(
                    each.line,
                    f"the path {'begins' if number == 0 else 'ends'} with {name}, a middlebox",
                    "both ends must run a system",
                )
            elif known.endpoints.get(name) == PROXY:
                problems.add(
                    each.line,
                    f"the path {'begins' if number == 0 else 'ends'} with {name}, a proxy",
                    "a proxy must be between the two ends",
                )
        elif known.endpoints.get(name, UNKNOWN) not in (PROXY, UNKNOWN):
            problems.add(
                each.line,
                f"{name} is in the middle of the path, but runs a system",
                "only middleboxes and proxies can be between the two ends",
            )
    elsewhere = (
        {each.value for each in _listed(back)} if back is not None and _is_list(back) else ()
    )
    for name in written:
        if name not in names and name not in elsewhere:
            problems.add(
                written[name].line, f"host {name} is not on the path", "add it, or leave it out"
            )
    if len(names) < 3:
        problems.add(node.line, "the path is shorter than three hosts", example)
    return tuple(names)


def read_return_path(
    node: Node, path: tuple[str, ...], known: Names | None, problems: Problems
) -> tuple[str, ...]:
    """The way back in the list `node`: from the last host of the path to its first.

    Args:
        node: the value of `return path`.
        path: the way there; empty if it is not settled.
        known: the hosts by kind; None if they are not settled yet.
        problems: takes what is wrong.
    """
    example = "write for example [receiver, router, sender]"
    if not _is_list(node):
        problems.add(node.line, "'return path' is not a list of hosts", example)
        return ()
    listed = _listed(node)
    names = tuple(str(each.value) for each in listed)
    if known is None or not path:
        return names
    if len(names) < 2 or (names[0], names[-1]) != (path[-1], path[0]):
        problems.add(
            node.line,
            f"the return path does not go from {path[-1]} to {path[0]}",
            f"write for example [{path[-1]}, router, {path[0]}]",
        )
    for number, each in enumerate(listed):
        name = names[number]
        if name in names[:number]:
            problems.add(each.line, f"{name} is twice on the return path", "name each host once")
        elif number not in (0, len(names) - 1):
            known.check_middlebox(name, each.line, "the return path", problems)
    return names


def _is_list(node: Node) -> bool:
    return isinstance(node.value, tuple) and all(isinstance(n.value, str) for n in node.value)


def _listed(node: Node) -> tuple[Node, ...]:
    return node.value if isinstance(node.value, tuple) else ()
