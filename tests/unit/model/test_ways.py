"""Several paths: routes, junctions, addresses, and ways that are ambiguous."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.model.topology import (
    Family,
    HostNetwork,
    addresses_seen,
    lay_out,
    line_through,
    link_between,
    links,
)
from halfopen.model.ways import Path, Ways, is_junction, second_way, with_junctions

from .test_topology import route

FORK = (("first", "nat", "server"), ("second", "nat", "server"))
RING = (("a", "f", "g", "b"), ("a", "f", "h", "c"), ("d", "g", "h", "c"))


@st.composite
def trees(draw: st.DrawFn) -> tuple[Path, ...]:
    """Paths from one leaf of a tree to all its others, and the tree has any shape."""
    count = draw(st.integers(min_value=1, max_value=5))
    parents = [draw(st.integers(min_value=0, max_value=n)) for n in range(count)]
    joined = [(f"m{parent}", f"m{n + 1}") for n, parent in enumerate(parents)]
    degrees = Counter(itertools.chain.from_iterable(joined))
    for n in range(count + 1):  # what is to be between others has a leaf of its own, or two
        least = 2 if degrees[f"m{n}"] < 2 else 0
        more = draw(st.integers(min_value=least, max_value=least + 2))
        joined += [(f"m{n}", f"e{n}x{k}") for k in range(more)]
    near: dict[str, list[str]] = {}
    for one, other in joined:
        near.setdefault(one, []).append(other)
        near.setdefault(other, []).append(one)
    (first, *others) = [name for name in near if len(near[name]) == 1]

    def walk(path: Path) -> list[Path]:
        if path[-1] in others:
            return [path]
        return [p for n in near[path[-1]] if n not in path for p in walk((*path, n))]

    return tuple(walk((first,)))


def hop_by_hop(
    networks: Mapping[str, HostNetwork],
    tables: Mapping[str, Mapping[str, str]],
    start: str,
    address: str,
) -> list[str]:
    """The hosts that a packet passes, as `route` tells, where all routes lead to one address."""
    passed = [start]
    while not any(i.address == address for i in networks[passed[-1]].interfaces):
        gateway = tables[passed[-1]].get(address, address)
        near = [i.neighbour for i in networks[passed[-1]].interfaces]
        passed += [n for n in near if any(i.address == gateway for i in networks[n].interfaces)]
        assert len(passed) <= len(networks)
    return passed


def at_middleboxes(passed: list[str]) -> list[str]:
    """A junction counts as its middlebox."""
    return [name for name, _ in itertools.groupby(name.partition(".")[0] for name in passed)]


@given(trees(), st.sampled_from(["ipv4", "ipv6"]))
def test_in_a_tree_each_host_reaches_each_other_along_it(
    paths: tuple[Path, ...], family: Family
) -> None:
    networks = lay_out(paths[0], family=family, branches=paths[1:])
    hosts = list(dict.fromkeys(itertools.chain.from_iterable(paths)))
    tables = {
        name: {each.subnet.partition("/")[0]: each.gateway for each in network.routes}
        for name, network in networks.items()
    }
    links_of_tree = {frozenset(p) for path in paths for p in itertools.pairwise(path)}
    for one, other in itertools.permutations(hosts, 2):
        # Two hosts on one side of a middlebox meet at its junction.
        passed = at_middleboxes(hop_by_hop(networks, tables, one, networks[other].address))
        assert (passed[0], passed[-1], len(set(passed))) == (one, other, len(passed))
        assert {frozenset(pair) for pair in itertools.pairwise(passed)} <= links_of_tree
    used = [i.address for n in networks.values() for i in n.interfaces]
    assert len(used) == len(set(used)) == 2 * len(links(networks))


@given(trees())
def test_a_middlebox_has_two_links_whatever_it_joins(paths: tuple[Path, ...]) -> None:
    networks = lay_out(paths[0], branches=paths[1:])
    for path in paths:
        for before, name, after in zip(path, path[1:], path[2:], strict=False):
            assert len(networks[name].interfaces) == 2
            for one, other in ((before, name), (name, after)):
                here, there = link_between(networks, one, other)
                assert networks[here].towards(there).neighbour == there
                assert {here.partition(".")[0], there.partition(".")[0]} == {one, other}


def test_round_a_ring_packets_follow_the_paths() -> None:
    networks = lay_out(RING[0], branches=RING[1:])
    for path in (*RING, *(tuple(reversed(path)) for path in RING)):
        passed = route(networks, path[0], networks[path[-1]].address)
        assert tuple(name for name in passed if not is_junction(name)) == path


def test_a_host_at_the_end_of_a_path_passes_nothing_on() -> None:
    ways = Ways((("a", "f", "broker"), ("b", "g", "broker")))
    assert ways.between("a", "broker") == ("a", "f", "broker")
    assert ways.between("a", "b") == ways.between("a", "g") == ()
    assert ways.between("a", "a") == ways.between("a", "nobody") == ()


def test_of_two_ways_that_are_equally_near_neither_is_taken() -> None:
    paths = (("a", "f", "s"), ("b", "f", "g", "t"), ("c", "f", "h", "t"))
    assert second_way(paths[:2], paths[2]) is not None
    assert Ways(paths).between("a", "t") == ("a", "f", "g", "t")
    square = (
        *(("a", "f", "g", "b"), ("b", "g", "h", "c")),
        *(("c", "h", "i", "d"), ("d", "i", "f", "a")),
    )
    ways = Ways(square)
    assert ways.between("a", "c") == ()
    assert ways.between("a", "d") == ("a", "f", "i", "d")


def test_a_second_way_is_found_in_either_direction() -> None:
    path = ("a", "f", "g", "b")
    assert second_way([path], ("c", "f", "g", "b")) is None
    assert second_way([path], ("b", "g", "f", "a")) is None
    assert second_way([path], ("c", "g", "f", "d")) is None
    assert second_way([path], ("a", "h", "b")) == (path, ("a", "h", "b"))
    assert second_way([path], ("b", "h", "a")) == (("b", "g", "f", "a"), ("b", "h", "a"))
    assert second_way([path], ("c", "f", "h", "g", "d")) == (("f", "g"), ("f", "h", "g"))


def test_clients_of_one_nat_have_its_address_at_their_server() -> None:
    networks = lay_out(FORK[0], branches=FORK[1:])
    assert set(networks) == {"first", "second", "nat", "nat.inside", "server"}
    outward = networks["nat"].towards("server").address
    assert networks["nat"].address == outward

    def seen(host: str, of: str, kind: str = "source") -> str:
        return addresses_seen(FORK, networks, {"nat": kind}, host)[of]

    assert seen("server", "first") == seen("server", "second") == outward
    assert seen("first", "server") == networks["server"].address
    assert seen("first", "second") == networks["second"].address
    inward = networks["nat"].towards("nat.inside").address
    assert seen("second", "server", "destination") == inward
    assert line_through(FORK, networks, "nat") == ("first", "nat.inside", "nat", "server")
    assert link_between(networks, "second", "nat") == ("second", "nat.inside")
    with pytest.raises(KeyError):
        link_between(networks, "first", "second")


def test_junctions_are_only_where_a_side_has_several_neighbours() -> None:
    assert with_junctions((("a", "f", "b"),)) == (("a", "f", "b"),)
    assert with_junctions((("a", "f", "g", "s"), ("a", "f", "h", "t"))) == (
        ("a", "f", "f.outside", "g", "s"),
        ("a", "f", "f.outside", "h", "t"),
    )


def test_five_hundred_links_have_addresses_and_no_more() -> None:
    paths = [(f"c{number}", "f", "s") for number in range(498)]
    networks = lay_out(paths[0], branches=paths[1:])
    used = [i.address for n in networks.values() for i in n.interfaces]
    assert len(used) == len(set(used)) == 1000
    with pytest.raises(ValueError, match="at most 500 links"):
        lay_out(paths[0], branches=[*paths[1:], ("d", "f", "s")])


def test_several_paths_have_no_return_path_and_repeat_no_host() -> None:
    with pytest.raises(ValueError, match="no return path"):
        lay_out(FORK[0], branches=FORK[1:], returns=("server", "nat", "first"))
    with pytest.raises(ValueError, match="different hosts"):
        lay_out(FORK[0], branches=[("second", "nat", "second")])
