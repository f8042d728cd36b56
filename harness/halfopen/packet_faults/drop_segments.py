"""Segments of one kind are dropped: all of them, the first few, or every nth."""

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
    SegmentKind,
)

# nftables' counter (`numgen inc`) begins again after its modulus, which has 32 bits: after so many
# segments nothing would be the first any more than now.
_NEVER_AGAIN = 1 << 31


class _Dropping(Behaviour):
    def __init__(self, first: int | None, every: int | None) -> None:
        self._first, self._every = first, every
        self._seen = 0

    def on_arrival(self) -> Manner | None:
        """By its number among those of its kind, from the beginning of the fault on."""
        self._seen += 1
        if self._first is not None:
            return "drop" if self._seen <= self._first else None
        if self._every is not None:
            return None if self._seen % self._every else "drop"
        return "drop"


@dataclass(frozen=True)
class DropSegments(KernelPacketFault):
    """The middlebox drops segments silently.

    Attributes:
        only: segments of this kind; None: packets of any kind.
        first: the number of them that are dropped, from the first on; None: no limit.
        every: each nth of them; None: each.
    """

    only: SegmentKind | None = None
    first: int | None = None
    every: int | None = None

    def filter(self, addresses: Mapping[str, str]) -> PacketFilter:
        """Those of the kind."""
        return replace(super().filter(addresses), only=self.only)

    def behaviour(self, _: random.Random) -> Behaviour:
        """Drop them on arrival."""
        return _Dropping(self.first, self.every)

    @property
    def true_packets(self) -> bool:
        """If they are counted."""
        return self.first is not None or self.every is not None

    def statements(self) -> Sequence[Statement]:
        """Drop them; what numbers them comes after all other tests."""
        tests = []
        if self.first is not None:
            tests.append(nft.match("<", _number(_NEVER_AGAIN), self.first))
        elif self.every is not None:
            tests.append(nft.match("==", _number(self.every), self.every - 1))
        return [*tests, {"counter": nft.BLOCKED}, nft.DROP]


def _number(modulus: int) -> Statement:
    """How many packets have come to this test before, modulo `modulus`."""
    return {"numgen": {"mode": "inc", "mod": modulus, "offset": 0}}
