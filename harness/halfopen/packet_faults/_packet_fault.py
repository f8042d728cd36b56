"""What a packet fault is: a verb that says which packets it is about, and what becomes of them."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from halfopen.errors import LabError
from halfopen.middlebox import nftables as nft
from halfopen.middlebox.nftables import Statement
from halfopen.middlebox.packet import Flags, Side
from halfopen.verbs import Verb

Manner = Literal["drop", "reset", "unreachable"]
"""How a packet is refused: silently, with RST, or with ICMP host unreachable."""

SegmentKind = Literal["syn", "syn-ack", "data", "fin", "rst"]
"""Kinds of TCP segments: by their flags, or that they carry data."""

_HANDSHAKE = Flags.SYN | Flags.ACK | Flags.RST | Flags.FIN


@dataclass(frozen=True)
class PacketFacts:
    """What a fault may ask of a packet.

    Attributes:
        destination: address of the host that it is for in the end, as text.
        client: address of the host that opened its flow, or opens one by it; None if unknown.
        begins: whether it would begin a flow.
        octets: of the IP packet, its header included.
        flags: of the TCP segment; 0 if it is none.
        data: bytes that the segment carries.
    """

    destination: str
    client: str | None
    begins: bool
    octets: int
    flags: int = 0
    data: int = 0

    def is_a(self, kind: SegmentKind) -> bool:
        """Whether it is a segment of this kind."""
        match kind:
            case "syn":
                return self.flags & _HANDSHAKE == Flags.SYN
            case "syn-ack":
                return self.flags & _HANDSHAKE == Flags.SYN | Flags.ACK
            case "fin":
                return bool(self.flags & Flags.FIN)
            case "rst":
                return bool(self.flags & Flags.RST)
            case "data":
                return self.data > 0


@dataclass(frozen=True)
class PacketFilter:
    """Packets of which all of this is true (None: of all packets).

    Attributes:
        to: they are for this address.
        client: this address opened their flow.
        only_new: they begin a flow.
        longer_than: they have more bytes.
        only: they are segments of this kind.
    """

    to: str | None = None
    client: str | None = None
    only_new: bool = False
    longer_than: int | None = None
    only: SegmentKind | None = None

    def meets(self, facts: PacketFacts) -> bool:
        """Whether it is about this packet."""
        return (
            (self.to is None or self.to == facts.destination)
            and (self.client is None or self.client == facts.client)
            and (not self.only_new or facts.begins)
            and (self.longer_than is None or facts.octets > self.longer_than)
            and (self.only is None or facts.is_a(self.only))
        )


@dataclass(frozen=True)
class OutgoingPacket:
    """A frame that is ready to go out.

    Attributes:
        frame: its bytes; never changed any more: a fault that changes a packet makes a copy.
        to: the side that it goes out on.
        inner: where in the frame TCP, or whatever IP carries, begins.
        tcp: whether that is a TCP header.
        facts: what a fault may ask of it.
    """

    frame: bytes | bytearray
    to: Side
    inner: int
    tcp: bool
    facts: PacketFacts


@dataclass(frozen=True)
class Departure:
    """A packet that goes on, at a time.

    Attributes:
        at: seconds, on the middlebox's clock; what is due already goes on at once.
        packet: as it goes on.
    """

    at: float
    packet: OutgoingPacket


class Behaviour:
    """What becomes of packets while a fault is active: one object for each active fault.

    Only packets that meet the fault's filter come here.  The fault ends when the object leaves the
    pipeline; what it has delayed goes on then.
    """

    def on_arrival(self) -> Manner | None:
        """How a packet is refused before the middlebox passes it on; None if it is not.

        A refused packet of a known flow is seen by the flow table, as in netfilter, where the
        forward chain comes after connection tracking; a refused SYN makes no flow.
        """
        return None

    def on_packet(self, packet: OutgoingPacket, now: float) -> Sequence[Departure]:
        """What becomes of a packet on its way out: lost (nothing), changed, delayed, doubled."""
        return (Departure(now, packet),)

    def touched(self, packet: OutgoingPacket, deliveries: Sequence[Departure], now: float) -> bool:
        """Whether it did something to the packet that :meth:`on_packet` was given last."""
        return list(deliveries) != [Departure(now, packet)]


@dataclass(frozen=True)
class PacketFault(Verb, ABC):
    """The middlebox `at` does something to packets, until :class:`halfopen.verbs.EndPacketFault`.

    Attributes:
        at: the middlebox.
        name: of this fault, unique among those that are active there.
        to: only packets towards this host; None: in both directions.
        client: only packets of flows that this host opened; None: of all.
    """

    at: str
    name: str
    to: str | None = None
    client: str | None = None

    def filter(self, addresses: Mapping[str, str]) -> PacketFilter:
        """Which packets it is about; `addresses` are those of the hosts, by name.

        Raises:
            LabError: if a host is not there.
        """
        for name in (self.to, self.client):
            if name is not None and name not in addresses:
                raise LabError(f"unknown host {name!r}")
        return PacketFilter(
            None if self.to is None else addresses[self.to],
            None if self.client is None else addresses[self.client],
        )

    @abstractmethod
    def behaviour(self, rng: random.Random) -> Behaviour:
        """What becomes of them in the userspace engine; chance comes from `rng`."""


# What a segment carries begins at `ih`: where there is no byte, the test fails (Linux 5.16).
_SEGMENTS: Mapping[SegmentKind, Statement] = {
    "syn": nft.flags("syn"),
    "syn-ack": nft.flags("syn", "ack"),
    "data": nft.match(">=", {"payload": {"base": "ih", "offset": 0, "len": 8}}, 0),
    "fin": nft.has_flag("fin"),
    "rst": nft.has_flag("rst"),
}


@dataclass(frozen=True)
class KernelPacketFault(PacketFault):
    """A packet fault that netfilter can do too: the conntrack engine adds rules for it."""

    @property
    def true_packets(self) -> bool:
        """Whether the rule must see packets as they are on a wire.

        By default a sender's segments may come unfinished, and longer than any wire would carry.
        """
        return False

    @abstractmethod
    def statements(self) -> Sequence[Statement]:
        """What the rule does with the packets that the filter finds (libnftables-json(5))."""

    def _counting(self) -> Sequence[Statement]:
        """The statements, those that do something behind a counter of the rule's own."""
        statements = list(self.statements())
        acts = next(i for i, each in enumerate(statements) if "match" not in each)
        return [*statements[:acts], {"counter": {"packets": 0, "bytes": 0}}, *statements[acts:]]

    def rules(self, addresses: Mapping[str, str]) -> dict[str, Any]:
        """Its rules for `nft -j -f -`, by whose comment, the fault's name, they are found again."""
        wanted = self.filter(addresses)
        tests: list[Statement] = []
        if wanted.only_new:
            tests.append(nft.state("new"))
        if wanted.to is not None:
            tests.append(nft.address("daddr", wanted.to))
        if wanted.longer_than is not None:
            tests.append(nft.match(">", {"meta": {"key": "length"}}, wanted.longer_than))
        if wanted.only is not None:
            tests += [nft.TCP, _SEGMENTS[wanted.only]]
        # Packets of no entry belong to no client; what begins them from its side does.
        clients: list[list[Statement]] = [[]]
        if wanted.client is not None:
            opened = {"ct": {"key": f"{nft.ip(wanted.client)} saddr", "dir": "original"}}
            clients = [
                [nft.match("==", opened, wanted.client)],
                [nft.state("invalid", "untracked"), nft.address("saddr", wanted.client)],
            ]
        rules = [
            {
                **nft.rule(nft.FAULTS, *tests, *whose, *self._counting())["rule"],
                "comment": self.name,
            }
            for whose in clients
        ]
        return {"nftables": [{"add": {"rule": rule}} for rule in rules]}
