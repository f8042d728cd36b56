"""Checks of several paths together: sides of middleboxes, ambiguous ways, hosts out of reach."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from halfopen.fields import host_references
from halfopen.model.topology import MOST_LINKS
from halfopen.model.ways import Path, Ways, second_way, with_junctions
from halfopen.scenario.context import Context
from halfopen.scenario.names import UNKNOWN
from halfopen.scenario.raw import RawHost, RawPath
from halfopen.sections import Problems, line_of_text


def check_branches(
    paths: Sequence[RawPath],
    back: RawPath | None,
    hosts: Mapping[str, RawHost],
    context: Context,
) -> None:
    """Note what several paths make ambiguous or leave out of reach; one path does neither.

    Args:
        paths: of one variant.
        back: its return path.
        hosts: by name, for lines and roles.
        context: knows the hosts; takes what is wrong.
    """
    problems = context.problems
    if len(paths) < 2:
        return
    if back is not None:
        problems.add(
            back.line,
            "a return path needs a single path, but there are several",
            "leave `return path` out, or write one `path`",
        )
    names = tuple(path.names for path in paths)
    sound = all(len(each) > 2 and len(set(each)) == len(each) for each in names)
    if not sound or not all(name in hosts for each in names for name in each):
        return  # noted already
    known = len(problems)
    _check_ways(paths, problems)
    _check_sides(paths, problems)
    _check_translation(paths, context)
    links = {frozenset(p) for each in with_junctions(names) for p in itertools.pairwise(each)}
    if len(links) > MOST_LINKS:
        problems.add(
            paths[0].line,
            f"the paths have {len(links)} links",
            f"a lab has addresses for {MOST_LINKS}",
        )
    elif len(problems) == known:
        _check_reach(names, hosts, context)


def _check_ways(paths: Sequence[RawPath], problems: Problems) -> None:
    """Note it if packets between two hosts could go by either of two paths."""
    before: list[Path] = []
    for path in paths:
        if path.names in before:
            first = paths[before.index(path.names)].line
            problems.add(path.line, f"this path is the one of line {first}", "leave one out")
        elif (found := second_way(before, path.names)) is not None:
            one, other = (" - ".join(way) for way in found)
            problems.add(
                path.line,
                f"there are two ways from {found[0][0]} to {found[0][-1]}: {one} and {other}",
                "let all paths that join these two hosts go the same way",
            )
        before.append(path.names)


def _check_sides(paths: Sequence[RawPath], problems: Problems) -> None:
    """Note it if a neighbour of a host is on both its sides, which a profile tells apart."""
    known: dict[tuple[str, str], tuple[str, int]] = {}
    for path in paths:
        for before, name, after in zip(path.names, path.names[1:], path.names[2:], strict=False):
            for neighbour, side in ((before, "inside"), (after, "outside")):
                told, line = known.setdefault((name, neighbour), (side, path.line))
                if told != side:
                    problems.add(
                        path.line,
                        f"{neighbour} is on the {side} of {name} here, but on its {told} in "
                        f"line {line}",
                        f"turn one of the paths round: they lead from the inside of {name} to its "
                        "outside",
                    )
                    return


def _check_translation(paths: Sequence[RawPath], context: Context) -> None:
    """Note it if a middlebox translates destinations and has several hosts to translate them to."""
    for host in context.names.hosts.values():
        if getattr(host.settings, "nat", "none") != "destination":
            continue
        if getattr(host.settings, "pool", None) is not None:
            continue  # it stands for all of them
        ends = {path.names[-1]: path for path in reversed(paths) if host.name in path.names}
        if len(ends) > 1:
            context.problems.add(
                next(iter(ends.values())).line,
                f"{host.name} translates destinations to one host, but {len(ends)} paths behind it "
                f"end at different hosts: {', '.join(sorted(ends))}",
                "name them in its `pool`, end its paths at one host, or write `nat: none`",
            )


def _check_reach(names: tuple[Path, ...], hosts: Mapping[str, RawHost], context: Context) -> None:
    """Note a host that a program is to connect to, and a receiver, that no way leads to."""
    ways, problems = Ways(with_junctions(names)), context.problems
    alike = {name for members in context.names.groups.values() for name in members[1:]}
    for host in context.names.hosts.values():
        if host.name in alike or host.system is None:
            continue
        for reference in host_references(host.settings):
            target = reference.names[0]
            if target in hosts and target != host.name and not ways.between(host.name, target):
                problems.add(
                    line_of_text(hosts[host.name].node, target),
                    f"no path leads from {host.name} to {target}",
                    f"add a path that joins them, or let {host.name} connect to another host",
                )
    roles = context.names.roles
    if UNKNOWN in roles.values():
        return
    callers = [name for name, role in roles.items() if role in ("sender", "proxy")]
    for name, role in roles.items():
        if (
            name not in alike
            and role == "receiver"
            and not any(ways.between(each, name) for each in callers)
        ):
            problems.add(
                hosts[name].node.line,
                f"no sender can reach the receiver {name}",
                f"add a path from a sender to {name}",
            )
