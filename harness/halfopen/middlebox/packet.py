"""What a middlebox looks at of a packet: plain facts, no bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

_SEQUENCE = 1 << 32


class Side(Enum):
    """Where a packet comes from, or goes to, as the middlebox sees it.

    `INSIDE` is the side of those who open connections: a firewall's own network, a NAT's hosts,
    a load balancer's clients.
    """

    INSIDE = "inside"
    OUTSIDE = "outside"

    @property
    def other(self) -> Side:
        """The opposite side."""
        return Side.OUTSIDE if self is Side.INSIDE else Side.INSIDE


class Flags:
    """The flags of a TCP segment that decide something here (RFC 9293, section 3.1).

    Plain numbers: an enumeration's `&` would take most of the time of a verdict.
    """

    FIN = 1
    SYN = 2
    RST = 4
    ACK = 16


class Endpoint(NamedTuple):
    """An address, IPv4 or IPv6 as text, and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        form = "[{}]:{}" if ":" in self.address else "{}:{}"
        return form.format(self.address, self.port)


class Addresses(NamedTuple):
    """Who sends to whom."""

    source: Endpoint
    destination: Endpoint

    @property
    def reverse(self) -> Addresses:
        """The addresses of an answer."""
        return Addresses(self.destination, self.source)


@dataclass(frozen=True, slots=True)
class Packet:
    """A TCP segment.

    Attributes:
        addresses: from whom to whom.
        flags: of :class:`Flags`, or-ed.
        seq: sequence number of its first byte.
        ack: acknowledgement number, if `ACK` is set.
        length: bytes of payload.
    """

    addresses: Addresses
    flags: int
    seq: int = 0
    ack: int = 0
    length: int = 0

    @property
    def end(self) -> int:
        """The sequence number after it; SYN and FIN take one each (RFC 9293, section 3.4)."""
        taken = self.length + bool(self.flags & Flags.SYN) + bool(self.flags & Flags.FIN)
        return (self.seq + taken) % _SEQUENCE

    @property
    def opens(self) -> bool:
        """True for a SYN that is nothing else: the first packet of a connection."""
        wanted = Flags.SYN | Flags.ACK | Flags.RST | Flags.FIN
        return self.flags & wanted == Flags.SYN

    def readdressed(self, addresses: Addresses) -> Packet:
        """The same segment from and to somebody else."""
        return self if addresses == self.addresses else replace(self, addresses=addresses)


def after(a: int, b: int) -> bool:
    """Whether sequence number `a` comes after `b`, on the circle (RFC 9293, section 3.4)."""
    return 0 < (a - b) % _SEQUENCE < _SEQUENCE // 2


def before_by_one(a: int, b: int) -> bool:
    """Whether sequence number `a` is the one before `b`."""
    return (b - a) % _SEQUENCE == 1


def reset_for(packet: Packet) -> Packet | None:
    """The RST that answers `packet`; None to a RST, which is never answered.

    RFC 9293, section 3.10.7.1: its sequence number is what the sender waits for if it said so,
    else it acknowledges what was sent.
    """
    if packet.flags & Flags.RST:
        return None
    if packet.flags & Flags.ACK:
        return Packet(packet.addresses.reverse, Flags.RST, seq=packet.ack)
    return Packet(packet.addresses.reverse, Flags.RST | Flags.ACK, ack=packet.end)
