"""Addresses of the hosts on one or more paths: one subnet a link, static routes.

IPv4 addresses come from 198.18.0.0/15, the block that RFC 2544 reserves for benchmarks, IPv6
addresses from fd00::/8, the unique local addresses of RFC 4193: they collide with nobody's LAN.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from halfopen.model.ways import Path, is_junction, ways_of, with_junctions

Family = Literal["ipv4", "ipv6"]

LONGEST_PATH = 200
"""Hosts on the path and the way back together: a link each, and an octet numbers the links."""

MOST_LINKS = 500
"""Links of several paths: 198.18.0.0/15 has 512 subnets of 256 addresses."""


@dataclass(frozen=True)
class Interface:
    """One end of a link.

    Attributes:
        name: of the network interface, at most 15 bytes.
        address: IPv4 or IPv6 address.
        prefix: length of the subnet's prefix.
        neighbour: host at the other end.
    """

    name: str
    address: str
    prefix: int
    neighbour: str


@dataclass(frozen=True)
class Route:
    """Packets for `subnet` go by way of `gateway`."""

    subnet: str
    gateway: str


@dataclass(frozen=True)
class HostNetwork:
    """The interfaces and routes of one host.

    Attributes:
        interfaces: one for each of its links.
        routes: to what is on none of its links; the longest prefix holds, as in the kernel.
    """

    interfaces: tuple[Interface, ...]
    routes: tuple[Route, ...]

    @property
    def address(self) -> str:
        """The address by which others know the host: that of its last link."""
        return self.interfaces[-1].address

    def towards(self, neighbour: str) -> Interface:
        """Its end of the link to a neighbour.

        Raises:
            KeyError: if there is no such link.
        """
        for interface in self.interfaces:
            if interface.neighbour == neighbour:
                return interface
        raise KeyError(neighbour)


def endpoint(address: str, port: int) -> str:
    """`address:port`, an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def lay_out(
    path: Sequence[str],
    *,
    family: Family = "ipv4",
    returns: Sequence[str] = (),
    branches: Sequence[Sequence[str]] = (),
) -> dict[str, HostNetwork]:
    """The network of every host on `path`, which joins each host to the next by a link.

    Args:
        path: host names from end to end.
        family: of the addresses.
        returns: host names from the end of the path back to its beginning, if packets for its
            first host take another way; hosts that are on no other path may be among them.
        branches: further paths; hosts of the same name are the same host.  Junctions are among
            the hosts then, see :mod:`halfopen.model.ways`.

    Raises:
        ValueError: if the path has fewer than two hosts, repeats one, or is longer than 200; if
            the way back does not join the same ends; if there are branches and a way back, or
            more than 500 links.
    """
    if branches:
        if returns:
            raise ValueError("several paths have no return path")
        return _lay_out_paths((tuple(path), *map(tuple, branches)), family)
    hosts = len({*path, *returns})
    if len(path) < 2 or hosts > LONGEST_PATH or len(set(path)) != len(path):
        raise ValueError(f"a path needs two to 200 different hosts, not {list(path)}")
    if returns and (
        (returns[0], returns[-1]) != (path[-1], path[0]) or len(set(returns)) != len(returns)
    ):
        raise ValueError(f"the return path goes from {path[-1]} to {path[0]}, not {list(returns)}")
    plan = _Links(family)
    for number, (left, right) in enumerate(itertools.pairwise(path), 1):
        plan.join(number, left, right, f"right{number}", f"left{number}")
    known = {frozenset(pair) for pair in itertools.pairwise(path)}
    number = len(path)
    for left, right in itertools.pairwise(returns):
        if frozenset((left, right)) not in known:
            known.add(frozenset((left, right)))
            plan.join(number, left, right, f"back{number}", f"from{number}")
            number += 1
    # The address of a host is that of its last link on the path.
    interfaces = {name: plan.interfaces(name, len(path)) for name in (*path, *returns)}
    routes = {name: list(_along(path, plan, name)) for name in interfaces}
    for name, more in _back(path, returns, plan, interfaces):
        routes[name] += more
    return {name: HostNetwork(tuple(interfaces[name]), tuple(routes[name])) for name in interfaces}


class _Links:
    """Links by number: link 1 joins the first two hosts of the path."""

    def __init__(self, family: Family) -> None:
        self._family = family
        self._ends: dict[str, dict[int, Interface]] = {}

    def address(self, number: int, end: int) -> str:
        """The address of an end of a link: 1 is the left one, 2 the right one."""
        if self._family == "ipv6":
            return f"fd00:{number:x}::{end}"
        return f"198.{18 + number // 256}.{number % 256}.{end}"

    def subnet(self, number: int) -> str:
        """The subnet of a link."""
        if self._family == "ipv6":
            return f"fd00:{number:x}::/64"
        return f"198.{18 + number // 256}.{number % 256}.0/24"

    def alone(self, address: str) -> str:
        """The subnet of one address."""
        return f"{address}/{32 if self._family == 'ipv4' else 128}"

    def join(self, number: int, left: str, right: str, here: str, there: str) -> None:
        """Join two hosts by a link with that number, and these names of its ends."""
        prefix = 24 if self._family == "ipv4" else 64
        self._ends.setdefault(left, {})[number] = Interface(
            here, self.address(number, 1), prefix, right
        )
        self._ends.setdefault(right, {})[number] = Interface(
            there, self.address(number, 2), prefix, left
        )

    def interfaces(self, name: str, length: int) -> list[Interface]:
        """The ends of a host's links: those of the way back, then those of the path."""
        ends = self._ends[name]
        return [ends[n] for n in sorted(ends, key=lambda n: (n < length, n))]

    def ends(self, name: str, first: Collection[int]) -> list[Interface]:
        """The ends of a host's links by number, those in `first` before the others."""
        ends = self._ends[name]
        return [ends[n] for n in sorted(ends, key=lambda n: (n not in first, n))]


def _along(path: Sequence[str], plan: _Links, name: str) -> Iterator[Route]:
    """Routes over the path to the links that a host has none to."""
    if name not in path:
        return
    position = path.index(name)
    for link in range(1, len(path)):
        if link in (position, position + 1):
            continue  # a subnet of its own
        towards_left = link < position
        gateway = plan.address(position, 1) if towards_left else plan.address(position + 1, 2)
        yield Route(plan.subnet(link), gateway)


def _back(
    path: Sequence[str],
    returns: Sequence[str],
    plan: _Links,
    interfaces: Mapping[str, Sequence[Interface]],
) -> Iterator[tuple[str, list[Route]]]:
    """Routes over the way back to the address of the path's first host.

    Those of a router that is on no other path to the address of the last host too: it may have to
    tell it something.
    """
    if not returns:
        return
    first, last = interfaces[path[0]][-1].address, interfaces[path[-1]][-1].address

    def address_at(host: str, neighbour: str) -> str:
        return next(i.address for i in interfaces[host] if i.neighbour == neighbour)

    for number, name in enumerate(returns[:-1]):
        after = returns[number + 1]
        near = path[0] == after and {name, after} == set(path[:2])
        routes = [] if near else [Route(plan.alone(first), address_at(after, name))]
        if number and name not in path:
            before = returns[number - 1]
            routes.append(Route(plan.alone(last), address_at(before, name)))
        yield name, routes


def _lay_out_paths(paths: tuple[Path, ...], family: Family) -> dict[str, HostNetwork]:
    """The network of every host and junction on several paths.

    Routes lead to single addresses: round a ring the two ends of a link are reached by different
    ways.
    """
    for path in paths:
        if len(path) < 2 or len(set(path)) != len(path):
            raise ValueError(f"a path needs at least two different hosts, not {list(path)}")
    walked = with_junctions(paths)
    plan, known = _Links(family), dict[frozenset[str], int]()
    inward: dict[str, set[int]] = {}
    for left, right in itertools.chain.from_iterable(map(itertools.pairwise, walked)):
        number = known.setdefault(frozenset((left, right)), len(known) + 1)
        if number > MOST_LINKS:
            raise ValueError(f"several paths have at most {MOST_LINKS} links")
        plan.join(number, left, right, f"right{number}", f"left{number}")
        inward.setdefault(right, set()).add(number)
    ways = ways_of(walked)
    # The address of a host is that of its last link, which leads outwards if one does.
    interfaces = {name: plan.ends(name, inward.get(name, set())) for name in ways.hosts}
    routes: dict[str, list[Route]] = {name: [] for name in ways.hosts}
    for end in ways.hosts:
        if is_junction(end):
            continue  # nobody speaks with it
        for name, hop in ways.hops(end).items():
            gateway = next(i.address for i in interfaces[hop] if i.neighbour == name)
            routes[name] += [
                Route(plan.alone(each.address), gateway)
                for each in interfaces[end]
                if each.neighbour != name
            ]
    return {name: HostNetwork(tuple(interfaces[name]), tuple(routes[name])) for name in ways.hosts}


def links(networks: Mapping[str, HostNetwork]) -> list[tuple[str, str]]:
    """Every link once, as the two hosts that it joins."""
    found: dict[frozenset[str], tuple[str, str]] = {}
    for name, network in networks.items():
        for interface in network.interfaces:
            found.setdefault(frozenset((name, interface.neighbour)), (name, interface.neighbour))
    return list(found.values())


def link_between(networks: Mapping[str, HostNetwork], left: str, right: str) -> tuple[str, str]:
    """The two hosts whose link joins two neighbours: either may be a junction of one of them.

    Raises:
        KeyError: if they are no neighbours.
    """
    for here in (left, f"{left}.inside", f"{left}.outside"):
        for there in (right, f"{right}.inside", f"{right}.outside"):
            if here in networks and any(i.neighbour == there for i in networks[here].interfaces):
                return here, there
    raise KeyError(right)


def line_through(
    paths: Sequence[Sequence[str]], networks: Mapping[str, HostNetwork], name: str
) -> tuple[str, ...]:
    """The hosts in a row from a path's first to its last, on which `name` is, and the junctions.

    For a host of a path that is the first such path; for one of the way back, the way back turned
    round.
    """
    for each in with_junctions(tuple(map(tuple, paths))):
        if name in each:
            return each
    path = paths[0]

    def walk(first: Interface) -> list[str]:
        before, here = name, first.neighbour
        found = [here]
        while here not in path:
            (after,) = (i.neighbour for i in networks[here].interfaces if i.neighbour != before)
            before, here = here, after
            found.append(here)
        return found

    one, other = (walk(interface) for interface in networks[name].interfaces)
    if path.index(one[-1]) > path.index(other[-1]):
        one, other = other, one
    before, after = path[: path.index(one[-1])], path[path.index(other[-1]) + 1 :]
    return (*before, *reversed(one), name, *other, *after)


def addresses_seen(
    paths: Sequence[Sequence[str]],
    networks: Mapping[str, HostNetwork],
    nat: Mapping[str, str],
    host: str,
) -> dict[str, str]:
    """The address of every host as `host` sees it, and must use to reach it.

    Behind a middlebox that translates destinations, a host has the middlebox's inward address;
    behind one that translates sources, its outward address, by which it cannot be reached.

    Args:
        paths: host names in their order; the clients are at the beginning.
        networks: as laid out.
        nat: `source` or `destination` for each middlebox that translates addresses.
        host: who asks.
    """
    walked = with_junctions(tuple(map(tuple, paths)))
    ways = ways_of(walked)
    outward = {pair for path in walked for pair in itertools.pairwise(path)}
    seen = {}
    for name, network in networks.items():
        seen[name] = network.address
        way = ways.between(host, name) if nat else ()
        for before, box, after in zip(way, way[1:], way[2:], strict=False):
            out = (before, box) in outward and (box, after) in outward
            back = (after, box) in outward and (box, before) in outward
            if (out and nat.get(box) == "destination") or (back and nat.get(box) == "source"):
                # The end of its link that is nearer to who asks.
                seen[name] = networks[box].towards(before).address
                break
    return seen
