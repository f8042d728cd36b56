"""Where a middlebox is attached to its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from halfopen.model.topology import HostNetwork, Interface


@dataclass(frozen=True)
class Attachment:
    """The two links of a middlebox, and the server behind it.

    Attributes:
        inside: its end of the link towards the clients.
        outside: its end of the link towards the servers.
        server: address of the last host, for which a translated destination stands; empty if the
            middlebox translates none.
    """

    inside: Interface
    outside: Interface
    server: str = ""

    @classmethod
    def on(
        cls, path: Sequence[str], name: str, network: HostNetwork, addresses: Mapping[str, str]
    ) -> Attachment:
        """Of the middlebox `name` on a path.

        Args:
            path: all hosts in a row; clients are at the beginning.
            name: of the middlebox.
            network: its interfaces.
            addresses: of all hosts, by which it reaches them.
        """
        place = path.index(name)
        before, after = path[place - 1], path[place + 1]
        return cls(network.towards(before), network.towards(after), addresses[path[-1]])
