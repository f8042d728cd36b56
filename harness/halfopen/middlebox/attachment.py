"""Where a middlebox is attached to its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from halfopen.model.topology import HostNetwork, Interface


@dataclass(frozen=True)
class Attachment:
    """The two links of a middlebox, and the server behind it.

    Attributes:
        inside: its end of the link towards the clients.
        outside: its end of the link towards the servers.
        server: address of the last host, for which a translated destination stands; empty if the
            middlebox translates none.
        pool: of a balancer: the addresses of its servers, by name.
    """

    inside: Interface
    outside: Interface
    server: str = ""
    pool: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def on(
        cls,
        path: Sequence[str],
        name: str,
        network: HostNetwork,
        addresses: Mapping[str, str],
        pool: Sequence[str] = (),
    ) -> Attachment:
        """Of the middlebox `name` on a path.

        Args:
            path: all hosts in a row; clients are at the beginning.
            name: of the middlebox.
            network: its interfaces.
            addresses: of all hosts, by which it reaches them.
            pool: names of its servers, if it is a balancer.
        """
        place = path.index(name)
        before, after = path[place - 1], path[place + 1]
        servers = {server: addresses[server] for server in pool}
        return cls(network.towards(before), network.towards(after), addresses[path[-1]], servers)
