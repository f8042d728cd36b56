"""Ways of packets where several paths join the same hosts: by which neighbour to which host.

Hosts that share a path reach each other along it.  Others go by the nearest path that leads to
their destination, if one is nearest.  Only hosts between the ends of paths pass packets on.

A middlebox has two links, whatever it joins.  Where it has several neighbours on one side, a
*junction* joins them: a plain router (`firewall.inside`, `firewall.outside`) that only forwards.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence

Path = tuple[str, ...]

_SIDES = ("inside", "outside")


def is_junction(name: str) -> bool:
    """Whether a host is a junction; no host that a scenario names is called like one."""
    return name.rpartition(".")[2] in _SIDES


def neighbours(paths: Sequence[Path]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Of each host in the middle of a path: neighbours on its inside, and on its outside.

    A path leads from the inside of each of its middleboxes to its outside.
    """
    inside: dict[str, dict[str, None]] = {}
    outside: dict[str, dict[str, None]] = {}
    for path in paths:
        for before, name, after in zip(path, path[1:], path[2:], strict=False):
            inside.setdefault(name, {})[before] = None
            outside.setdefault(name, {})[after] = None
    return {k: list(v) for k, v in inside.items()}, {k: list(v) for k, v in outside.items()}


@functools.lru_cache(maxsize=16)
def with_junctions(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The paths with the junctions that packets pass."""
    inside, outside = neighbours(paths)

    def expanded(path: Path) -> Iterator[str]:
        for number, name in enumerate(path):
            middle = 0 < number < len(path) - 1
            if middle and len(inside[name]) > 1:
                yield f"{name}.inside"
            yield name
            if middle and len(outside[name]) > 1:
                yield f"{name}.outside"

    return tuple(tuple(expanded(path)) for path in paths)


class Ways:
    """Ways between the hosts of several paths.

    Args:
        paths: host names from end to end; of two paths that lead from one host to another by
            different ways the first holds.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        ends = {end for path in paths for end in (path[0], path[-1])}
        self._forwards = {name for path in paths for name in path} - ends
        self._links: dict[str, list[str]] = {}
        for left, right in itertools.chain.from_iterable(map(itertools.pairwise, paths)):
            for here, there in ((left, right), (right, left)):
                joined = self._links.setdefault(here, [])
                if there not in joined:
                    joined.append(there)
        self._towards: dict[str, Mapping[str, str]] = {}

    @property
    def hosts(self) -> tuple[str, ...]:
        """All hosts, in the order of the paths."""
        return tuple(self._links)

    def hops(self, end: str) -> Mapping[str, str]:
        """For each host that reaches `end`: the neighbour that it sends to."""
        if end not in self._towards:
            self._towards[end] = self._find(end)
        return self._towards[end]

    def _find(self, end: str) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for path in self._paths:
            if end in path:
                place = path.index(end)
                for number, name in enumerate(path):
                    if number != place:
                        towards = path[number + (1 if number < place else -1)]
                        found.setdefault(name, towards)
        edge, settled = [end, *found], {end, *found}
        while edge:
            offers: dict[str, list[str]] = {}
            for name in edge:
                if name == end or name in self._forwards:
                    for other in self._links[name]:
                        if other not in settled:
                            offers.setdefault(other, []).append(name)
            settled |= offers.keys()
            # Of two that are equally near neither is meant.
            edge = [name for name, offered in offers.items() if len(offered) == 1]
            found |= {name: offers[name][0] for name in edge}
        return found

    def between(self, start: str, end: str) -> Path:
        """The hosts from one to another, both included; empty if no way leads there."""
        if start == end or start not in self._links or end not in self._links:
            return ()
        hops, way = self.hops(end), [start]
        while way[-1] != end:
            if way[-1] not in hops:
                return ()
            way.append(hops[way[-1]])
        return tuple(way)


@functools.lru_cache(maxsize=16)
def ways_of(paths: tuple[Path, ...]) -> Ways:
    """The ways over some paths: many hosts ask for those of the same paths."""
    return Ways(paths)


def second_way(paths: Sequence[Path], path: Path) -> tuple[Path, Path] | None:
    """Two different ways between the same hosts: one on a path before, one on `path`.

    Args:
        paths: those before.
        path: the one in question.

    Returns:
        the ways between the two hosts that are farthest apart; None if there is none.
    """
    for length in range(len(path), 1, -1):
        for first in range(len(path) - length + 1):
            here = path[first : first + length]
            for other in paths:
                if here[0] in other and here[-1] in other:
                    one, two = other.index(here[0]), other.index(here[-1])
                    there = other[min(one, two) : max(one, two) + 1]
                    if there not in (here, tuple(reversed(here))):
                        return (there if one < two else tuple(reversed(there))), here
    return None
