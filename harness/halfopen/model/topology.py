"""Addresses of the hosts on a path: one subnet a link, static routes over the middleboxes.

The addresses come from 198.18.0.0/15, the block that RFC 2544 reserves for benchmarks: it
collides with nobody's LAN.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Interface:
    """One end of a link.

    Attributes:
        name: of the network interface, at most 15 octets.
        address: IPv4 address.
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
    """The interfaces and routes of one host."""

    interfaces: tuple[Interface, ...]
    routes: tuple[Route, ...]

    @property
    def address(self) -> str:
        """The address by which others know the host: that of its last link."""
        return self.interfaces[-1].address


def lay_out(path: Sequence[str]) -> dict[str, HostNetwork]:
    """The network of every host on `path`, which joins each host to the next by a link.

    Raises:
        ValueError: if the path has fewer than two hosts, repeats one, or is longer than 200.
    """
    if not 2 <= len(path) <= 200 or len(set(path)) != len(path):
        raise ValueError(f"a path needs two to 200 different hosts, not {list(path)}")
    interfaces: dict[str, list[Interface]] = {name: [] for name in path}
    for number, (left, right) in enumerate(itertools.pairwise(path), 1):
        net = f"198.18.{number}"
        interfaces[left].append(Interface(f"right{number}", f"{net}.1", 24, right))
        interfaces[right].append(Interface(f"left{number}", f"{net}.2", 24, left))
    networks = {}
    for position, name in enumerate(path):
        routes = []
        for link in range(1, len(path)):
            if link in (position, position + 1):
                continue  # a subnet of its own
            towards_left = link < position
            gateway = f"198.18.{position}.1" if towards_left else f"198.18.{position + 1}.2"
            routes.append(Route(f"198.18.{link}.0/24", gateway))
        networks[name] = HostNetwork(tuple(interfaces[name]), tuple(routes))
    return networks
