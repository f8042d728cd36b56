"""What can be done to a middlebox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from halfopen.verbs.base import Verb

Manner = Literal["drop", "reset", "unreachable"]


@dataclass(frozen=True)
class ForgetFlows(Verb):
    """The middlebox `at` loses entries, silently.

    Attributes:
        at: the middlebox.
        client: only flows that this host opened; None: of all.
        every: only every n-th of them, the oldest is the first; 1: all.
        most: at most so many, the oldest first; None: no limit.
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
class Block(Verb):
    """The middlebox `at` keeps packets from getting through, until :class:`Unblock`.

    Attributes:
        at: the middlebox.
        name: of this block, unique among those that stand.
        to: only packets towards this host; None: in both directions.
        share: of the packets, above 0, at most 1; each is decided by chance.
        manner: dropped silently, answered with RST, or with ICMP host unreachable.
        only_new: only packets that would begin a flow (SYN); what is known goes on.
        client: only packets of flows that this host opened; None: of all.
        longer_than: only packets of more octets, IP header included; None: of any length.
    """

    at: str
    name: str
    to: str | None = None
    share: float = 1.0
    manner: Manner = "drop"
    only_new: bool = False
    client: str | None = None
    longer_than: int | None = None


@dataclass(frozen=True)
class Unblock(Verb):
    """The middlebox `at` ends the block `name`."""

    at: str
    name: str


@dataclass(frozen=True)
class Impair(Verb):
    """The middlebox `at` passes packets on, but worse than it should, until :class:`Unimpair`.

    Attributes:
        at: the middlebox.
        name: of this impairment, unique among those that stand.
        to: only packets towards this host; None: in both directions.
        client: only packets of flows that this host opened; None: of all.
        delay: seconds that each packet waits; real time, as round-trip times are.
        jitter: seconds by which the delay of a packet is at most more or less, by chance; packets
            keep their order.
        loss: share of the packets that is lost.
        burst: mean number of packets lost in a row; 1: each is decided by itself.
        reorder: share of the packets that overtake those before them (they do not wait).
        duplicate: share of the packets that arrive twice.
        corrupt: share of the packets in which one bit is turned, after their checksum was made.
        rate: octets a second that get through, None for no limit; what comes faster waits.
        backlog: packets that may wait for the rate; more are dropped.
    """

    at: str
    name: str
    to: str | None = None
    client: str | None = None
    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    burst: float = 1.0
    reorder: float = 0.0
    duplicate: float = 0.0
    corrupt: float = 0.0
    rate: float | None = None
    backlog: int = 1000


@dataclass(frozen=True)
class Unimpair(Verb):
    """The middlebox `at` ends the impairment `name`; what waits is passed on at once."""

    at: str
    name: str
