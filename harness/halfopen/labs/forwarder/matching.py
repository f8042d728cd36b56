"""Which packets a block or an impairment is about."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from halfopen.verbs import Block, Impair


@dataclass(frozen=True)
class PacketFacts:
    """What a fault may ask of a packet.

    Attributes:
        destination: address of the host that it is for in the end, as text.
        client: address of the host that opened its flow, or opens one by it; None if unknown.
        begins: whether it would begin a flow.
        octets: of the IP packet, its header included.
    """

    destination: str
    client: str | None
    begins: bool
    octets: int


@dataclass(frozen=True)
class PacketFilter:
    """Packets of which it is true that (None: of all).

    Attributes:
        to: they are for this address.
        client: this address opened their flow.
        only_new: they begin a flow.
        longer_than: they have more octets.
    """

    to: str | None = None
    client: str | None = None
    only_new: bool = False
    longer_than: int | None = None

    @classmethod
    def of(cls, verb: Block | Impair, addresses: Mapping[str, str]) -> PacketFilter:
        """What a verb is about; `addresses` are those of the hosts, by name."""
        to = None if verb.to is None else addresses[verb.to]
        client = None if verb.client is None else addresses[verb.client]
        if isinstance(verb, Block):
            return cls(to, client, verb.only_new, verb.longer_than)
        return cls(to, client)

    def meets(self, traffic: PacketFacts) -> bool:
        """Whether it is about this packet."""
        return (
            (self.to is None or self.to == traffic.destination)
            and (self.client is None or self.client == traffic.client)
            and (not self.only_new or traffic.begins)
            and (self.longer_than is None or traffic.octets > self.longer_than)
        )


@dataclass(frozen=True)
class ActiveBlock:
    """A block that stands."""

    aim: PacketFilter
    share: float
    manner: str

    def stops(self, traffic: PacketFacts, rng: random.Random) -> bool:
        """Whether this packet does not get through."""
        return self.aim.meets(traffic) and (self.share >= 1 or rng.random() < self.share)
