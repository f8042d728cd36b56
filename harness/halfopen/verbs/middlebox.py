"""What can be done to the flow table of a middlebox, and the end of what is done to its packets.

What can be done to packets: :mod:`halfopen.packet_faults`.
"""

from __future__ import annotations

from dataclasses import dataclass

from halfopen.verbs.base import Verb


@dataclass(frozen=True)
class ForgetFlows(Verb):
    """The middlebox `at` loses entries, silently.

    Attributes:
        at: the middlebox.
        client: only flows that this host opened; None: of all.
        every: only every n-th of them, the oldest is the first; 1: all.
        most: at most this many, the oldest first; None: no limit.
    """

    at: str
    client: str | None = None
    every: int = 1
    most: int | None = None


@dataclass(frozen=True)
class SetIdleTimeout(Verb):
    """The middlebox `at` has another idle timeout from now on.

    What becomes of flows that it knows is its engine's: conntrack keeps their present time until
    their next packet, and so do most products.

    Attributes:
        at: the middlebox.
        seconds: of lab time; `inf` for never; None: what its profile says.
    """

    at: str
    seconds: float | None


@dataclass(frozen=True)
class Rebind(Verb):
    """The NAT `at` gives flows of `client` (None: of all) new ports, as after a lost mapping."""

    at: str
    client: str | None = None


@dataclass(frozen=True)
class DrainServer(Verb):
    """The balancer `at` gives a server of its pool no new flows, or does so again.

    Attributes:
        at: the middlebox.
        server: of its pool; the flows that it has go on.
        out: whether it gets no new ones.
    """

    at: str
    server: str
    out: bool


@dataclass(frozen=True)
class EndPacketFault(Verb):
    """The middlebox `at` ends the packet fault `name`; what it has delayed is passed on at once."""

    at: str
    name: str
