"""Names of the hosts of one variant, and what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from halfopen.scenario.model import Host

MIDDLEBOX = "middlebox"
"""Role of a host that plays a profile."""

PROXY = "proxy"
"""Role of a host that stands on the path and ends TCP connections."""

UNKNOWN = "unknown"
"""Role of a host of which it is not known what it runs: that is told already, no more is."""


@dataclass(frozen=True)
class Names:
    """The names that steps, checks and options may use.

    Attributes:
        roles: of all hosts: what its system does, :data:`MIDDLEBOX`, or :data:`UNKNOWN`.
        hosts: those that are described without mistakes.
        paths: the hosts of each path in the order in which links join them; empty if that is not
            settled.
        returns: the hosts in the order of the way back, if that is another.
        groups: members of each group, which is not a host itself.
    """

    roles: Mapping[str, str]
    hosts: Mapping[str, Host]
    paths: tuple[tuple[str, ...], ...] = ()
    returns: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def path(self) -> tuple[str, ...]:
        """The first of the paths; empty if there is none."""
        return self.paths[0] if self.paths else ()

    @property
    def endpoints(self) -> frozenset[str]:
        """Hosts that run a system."""
        return frozenset(name for name, role in self.roles.items() if role != MIDDLEBOX)

    @property
    def middleboxes(self) -> frozenset[str]:
        """Hosts that play a profile."""
        return frozenset(name for name, role in self.roles.items() if role == MIDDLEBOX)
