"""Address translation: which addresses a flow carries on the outside.

A translator only chooses; that no two flows get the same addresses is seen to by the table, which
tells it what is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from halfopen.middlebox.packet import Addresses, Endpoint

FIRST_PORT = 1024
"""Of those that a NAT gives to flows, if nothing else is said."""

Taken = Callable[[Addresses], bool]
"""Whether a flow carries these addresses on the outside."""


class Translator(Protocol):
    """Chooses addresses for new flows from inside."""

    def choose(self, inside: Addresses, taken: Taken, /) -> Addresses | None:
        """The addresses outside for a flow with these inside; None if there are none left."""

    def took(self, outside: Addresses, /) -> None:
        """A flow from inside has begun with addresses that it chose."""

    def owns(self, addresses: Addresses, /) -> bool:
        """Whether a packet from outside is addressed to the middlebox rather than to a host."""


class PoolTranslation:
    """An address of the middlebox stands for a pool of servers, on every port: a balancer.

    Args:
        public: the address that clients connect to.
        servers: the addresses of the pool.
        balance: `round robin`: a new flow goes to the server after the last one's; `source hash`:
            flows of one client's address go to the same one as long as the pool is the same.

    Attributes:
        drained: servers that get no new flows.
    """

    def __init__(self, public: str, servers: Sequence[str], balance: str) -> None:
        self._public = public
        self._servers = tuple(servers)
        self._hashed = balance == "source hash"
        self._begun = 0
        self.drained: set[str] = set()

    def choose(self, inside: Addresses, taken: Taken) -> Addresses | None:
        """The same client and ports; as they are if the address stands for nobody."""
        server = self._server(inside)
        addresses = Addresses(inside.source, Endpoint(server, inside.destination.port))
        return None if taken(addresses) else addresses

    def _server(self, inside: Addresses) -> str:
        ready = [each for each in self._servers if each not in self.drained]
        if inside.destination.address != self._public or not ready:
            return inside.destination.address
        digest = hashlib.blake2b(inside.source.address.encode(), digest_size=8).digest()
        hashed = int.from_bytes(digest, "big")
        return ready[(hashed if self._hashed else self._begun) % len(ready)]

    def took(self, _: Addresses, /) -> None:
        """The next flow is another's."""
        self._begun += 1

    def owns(self, _: Addresses, /) -> bool:
        """Servers speak to the client's own address."""
        return False


class Untold:
    """A translator to which it makes no difference which flows begin."""

    def took(self, _: Addresses, /) -> None:
        """Nothing to remember."""


@dataclass(frozen=True)
class NoTranslation(Untold):
    """Addresses stay as they are."""

    def choose(self, inside: Addresses, taken: Taken) -> Addresses | None:
        """The same addresses."""
        return None if taken(inside) else inside

    def owns(self, _: Addresses, /) -> bool:
        """No packet is for the middlebox."""
        return False


@dataclass(frozen=True)
class SourceTranslation(Untold):
    """The client gets the middlebox's address, and keeps its port if that is free.

    Keeping it is what RFC 5382 calls port preservation; it lets a connection live on when a lost
    entry is made again.  Else it is the next free port above, from the first again after the last.

    Attributes:
        public: the middlebox's address outside.
        first: of the ports that it may use.
        last: of them.
    """

    public: str
    first: int = FIRST_PORT
    last: int = 65535

    def choose(self, inside: Addresses, taken: Taken) -> Addresses | None:
        """The same destination, from a port of the public address."""
        count = self.last - self.first + 1
        start = max(inside.source.port - self.first, 0) % count
        for step in range(count):
            port = self.first + (start + step) % count
            addresses = Addresses(Endpoint(self.public, port), inside.destination)
            if not taken(addresses):
                return addresses
        return None

    def owns(self, addresses: Addresses) -> bool:
        """Whatever comes to the public address."""
        return addresses.destination.address == self.public


@dataclass(frozen=True)
class HostTranslation(Untold):
    """An address of the middlebox stands for a server, on every port.

    Attributes:
        servers: the address that clients connect to -> that of the server behind it.
    """

    servers: Mapping[str, str]

    def choose(self, inside: Addresses, taken: Taken) -> Addresses | None:
        """The same client and ports; as they are if the address stands for nobody."""
        public = inside.destination
        server = Endpoint(self.servers.get(public.address, public.address), public.port)
        addresses = Addresses(inside.source, server)
        return None if taken(addresses) else addresses

    def owns(self, _: Addresses, /) -> bool:
        """Servers speak to the client's own address."""
        return False


@dataclass(frozen=True)
class BothFamilies:
    """IPv4 and IPv6 are translated apart.

    Attributes:
        ipv4: for IPv4.
        ipv6: for IPv6.
    """

    ipv4: Translator
    ipv6: Translator

    def choose(self, inside: Addresses, taken: Taken) -> Addresses | None:
        """What the translator of the family chooses."""
        return self._of(inside).choose(inside, taken)

    def took(self, outside: Addresses) -> None:
        """Tell the translator of the family."""
        self._of(outside).took(outside)

    def owns(self, addresses: Addresses) -> bool:
        """What the translator of the family says."""
        return self._of(addresses).owns(addresses)

    def _of(self, addresses: Addresses) -> Translator:
        return self.ipv6 if ":" in addresses.destination.address else self.ipv4
