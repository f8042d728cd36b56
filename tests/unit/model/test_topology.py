"""Addresses and routes: of both families, of a way back, and as others see them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.model.topology import (
    Family,
    HostNetwork,
    addresses_seen,
    endpoint,
    lay_out,
    line_through,
    links,
)

PATH = ("sender", "firewall", "receiver")
BACK = ("receiver", "router", "sender")


def route(networks: Mapping[str, HostNetwork], start: str, address: str) -> list[str]:
    """The hosts that a packet passes, its owner the last."""
    owner = {i.address: name for name, n in networks.items() for i in n.interfaces}
    target, here, passed = ipaddress.ip_address(address), start, [start]
    while owner[address] != here:
        network = networks[here]
        choices = [
            (ipaddress.ip_network(r.subnet), owner[r.gateway])
            for r in network.routes
            if target in ipaddress.ip_network(r.subnet)
        ]
        choices += [
            (subnet, owner[address])
            for i in network.interfaces
            if target in (subnet := ipaddress.ip_interface(f"{i.address}/{i.prefix}").network)
        ]
        # The longest prefix; of two alike the link's own, as in the kernel.
        here = max(reversed(choices), key=lambda choice: choice[0].prefixlen)[1]
        passed.append(here)
        assert len(passed) <= len(networks) + 1
    return passed


@given(
    st.integers(min_value=2, max_value=9),
    st.integers(min_value=0, max_value=5),
    st.sampled_from(["ipv4", "ipv6"]),
)
def test_there_over_the_path_and_back_over_the_way_back(
    length: int, routers: int, family: Family
) -> None:
    path = [f"h{n}" for n in range(length)]
    back = [path[-1], *(f"r{n}" for n in range(routers)), path[0]]
    networks = lay_out(path, family=family, returns=back)
    assert route(networks, path[0], networks[path[-1]].address) == path
    assert route(networks, path[-1], networks[path[0]].address) == back
    version = 4 if family == "ipv4" else 6
    used = [i.address for n in networks.values() for i in n.interfaces]
    assert len(used) == len(set(used)) == 2 * len(links(networks))
    assert {ipaddress.ip_address(address).version for address in used} == {version}
    for name in back[1:-1]:
        assert line_through([path], networks, name) == tuple(reversed(back))


def test_a_way_back_may_share_middleboxes_with_the_path() -> None:
    path, back = ["a", "f", "g", "b"], ["b", "g", "r", "a"]
    networks = lay_out(path, returns=back)
    assert route(networks, "a", networks["b"].address) == path
    assert route(networks, "b", networks["a"].address) == back
    assert line_through([path], networks, "r") == ("a", "r", "g", "b")
    assert set(map(frozenset, links(networks))) == {
        frozenset(pair) for pair in [("a", "f"), ("f", "g"), ("g", "b"), ("g", "r"), ("r", "a")]
    }


@pytest.mark.parametrize(
    "returns",
    [("sender", "router", "receiver"), ("receiver", "router"), ("receiver", "r", "r", "sender")],
)
def test_a_way_back_goes_from_the_end_to_the_beginning(returns: Sequence[str]) -> None:
    with pytest.raises(ValueError, match="the return path goes from receiver to sender"):
        lay_out(PATH, returns=returns)


def test_ipv6_addresses_are_unique_local_and_in_brackets_before_a_port() -> None:
    networks = lay_out(PATH, family="ipv6")
    assert all(
        ipaddress.ip_address(i.address) in ipaddress.ip_network("fd00::/8")
        for n in networks.values()
        for i in n.interfaces
    )
    assert endpoint(networks["sender"].address, 514) == "[fd00:1::1]:514"
    assert endpoint("198.18.1.1", 514) == "198.18.1.1:514"


def test_a_middlebox_that_translates_stands_for_those_behind_it() -> None:
    path = ("client", "nat", "balancer", "server")
    networks = lay_out(path)
    nat = {"nat": "source", "balancer": "destination"}

    def seen(host: str, of: str) -> str:
        return addresses_seen([path], networks, nat, host)[of]

    inward = networks["balancer"].towards("nat").address
    outward = networks["nat"].towards("balancer").address
    assert seen("client", "server") == seen("nat", "server") == inward
    assert seen("balancer", "server") == networks["server"].address
    assert seen("server", "client") == seen("balancer", "client") == outward
    assert seen("nat", "client") == networks["client"].address
    assert seen("client", "nat") == networks["nat"].address
    assert addresses_seen([path], networks, {}, "client")["server"] == networks["server"].address
