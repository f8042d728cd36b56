"""Packets do not get through."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from halfopen.middlebox import nftables as nft
from halfopen.middlebox.nftables import Statement
from halfopen.packet_faults._packet_fault import (
    Behaviour,
    KernelPacketFault,
    Manner,
    PacketFilter,
)


class _Blocking(Behaviour):
    def __init__(self, fault: Block, rng: random.Random) -> None:
        self._share = fault.share
        self._manner: Manner = fault.manner
        self._rng = rng

    def on_arrival(self) -> Manner | None:
        """A share of the packets is refused."""
        refused = self._share >= 1 or self._rng.random() < self._share
        return self._manner if refused else None


@dataclass(frozen=True)
class Block(KernelPacketFault):
    """The middlebox keeps packets from getting through.

    Attributes:
        share: of the packets, above 0, at most 1; each is decided by chance.
        manner: dropped silently, answered with RST, or with ICMP host unreachable.
        only_new: only packets that would begin a flow (SYN); what is known goes on.
        longer_than: only packets of more bytes, IP header included; None: of any length.
    """

    share: float = 1.0
    manner: Manner = "drop"
    only_new: bool = False
    longer_than: int | None = None

    def filter(self, addresses: Mapping[str, str]) -> PacketFilter:
        """Perhaps only those that begin a flow, or long ones."""
        return replace(
            super().filter(addresses), only_new=self.only_new, longer_than=self.longer_than
        )

    def behaviour(self, rng: random.Random) -> Behaviour:
        """Refuse them on arrival."""
        return _Blocking(self, rng)

    @property
    def true_packets(self) -> bool:
        """If lengths count."""
        return self.longer_than is not None

    def statements(self) -> Sequence[Statement]:
        """Refuse them, by chance to a thousandth."""
        # There is no RST for anything but TCP.
        tests = [nft.TCP] if self.manner == "reset" else []
        if self.share < 1:
            thousand = {"numgen": {"mode": "random", "mod": 1000, "offset": 0}}
            tests.append(nft.match("<", thousand, max(1, round(self.share * 1000))))
        return [*tests, {"counter": nft.BLOCKED}, nft.REFUSALS[self.manner]]
