"""Packets get through, but worse than they should: late, lost, doubled, damaged.

Chance comes from the caller's generator, so that the same generator and the same times give the
same fate.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from halfopen.middlebox.packet import Side
from halfopen.packet_faults._packet_fault import Behaviour, Departure, OutgoingPacket, PacketFault


@dataclass(frozen=True)
class Impair(PacketFault):
    """The middlebox passes packets on, but worse than it should.

    Attributes:
        delay: seconds that each packet waits; real time, as round-trip times are.
        jitter: seconds by which the delay of a packet is at most more or less, by chance, and never
            less than nothing; packets keep their order.
        loss: share of the packets that is lost.
        burst: mean number of packets lost in a row, 1 at least; 1: each is decided by itself.
        reorder: share of the packets that overtake those before them (they do not wait).
        duplicate: share of the packets that arrive twice.
        corrupt: share of the packets in which one bit is flipped, after their checksum was made.
        rate: bytes a second that get through, None for no limit; what comes faster waits.
        backlog: packets that may wait for the rate; more are dropped.
    """

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    burst: float = 1.0
    reorder: float = 0.0
    duplicate: float = 0.0
    corrupt: float = 0.0
    rate: float | None = None
    backlog: int = 1000

    def behaviour(self, rng: random.Random) -> Behaviour:
        """Each direction is a path of its own."""
        return _Impairing(self, rng)


class _Impairing(Behaviour):
    def __init__(self, how: Impair, rng: random.Random) -> None:
        self._rng = rng
        self._paths = {side: Path(how, rng) for side in Side}

    def on_packet(self, packet: OutgoingPacket, now: float) -> Sequence[Departure]:
        """When it comes out, and how often; perhaps damaged."""
        return [
            Departure(fate.at, self._damaged(packet) if fate.corrupt else packet)
            for fate in self._paths[packet.to].offer(packet.facts.octets, now)
        ]

    def touched(self, packet: OutgoingPacket, _: Sequence[Departure], __: float) -> bool:
        """Whether it was impaired: of packets that may overtake, those that did."""
        return self._paths[packet.to].impaired

    def _damaged(self, packet: OutgoingPacket) -> OutgoingPacket:
        frame = bytearray(packet.frame)
        flip_bit(frame, packet.inner, len(frame), self._rng)
        return replace(packet, frame=frame)


class Losses:
    """Which packets are lost.

    Bursts come from a chain of two states, one in which all is lost and one in which nothing is
    (E. N. Gilbert, Capacity of a burst-noise channel, Bell System Technical Journal 39, 1960).
    """

    def __init__(self, share: float, burst: float, rng: random.Random) -> None:
        self._rng = rng
        self._share = share
        self._losing = False
        # The share of the time in the bad state is begin / (begin + end).  Where the bursts would
        # have to be longer than asked for, because no gap is shorter than one packet, they are.
        end = 1 / max(burst, 1.0)
        self._begin = end * share / (1 - share) if share < 1 else 1.0
        if self._begin > 1 or share == 1:
            self._begin, end = 1.0, (1 - share) / share
        self._end = end
        self._bursts = burst > 1

    def next(self) -> bool:
        """Whether the next packet is lost."""
        if not self._share:
            return False
        if not self._bursts:
            return self._rng.random() < self._share
        if self._losing:
            self._losing = self._rng.random() >= self._end
        else:
            self._losing = self._rng.random() < self._begin
        return self._losing


@dataclass(frozen=True)
class Fate:
    """What becomes of one copy of a packet.

    Attributes:
        at: when it comes out.
        corrupt: whether one of its bits is to be flipped.
    """

    at: float
    corrupt: bool


class Path:
    """One direction of an impaired path.

    Args:
        how: how bad it is.
        rng: where chance comes from.

    Attributes:
        impaired: whether the last packet was: lost, doubled, damaged or late; where packets
            overtake, whether it overtook one; where there is a rate, whether others made it wait.
    """

    def __init__(self, how: Impair, rng: random.Random) -> None:
        self.impaired = False
        self._how = how
        self._rng = rng
        self._losses = Losses(how.loss, how.burst, rng)
        self._last = 0.0  # when the latest that keeps its place comes out
        self._free = 0.0  # when the rate allows the next
        self._sending: deque[float] = deque()  # when those that wait for the rate are through

    def offer(self, octets: int, now: float) -> list[Fate]:
        """A packet of `octets` bytes arrives at `now`; nothing is returned for one that is lost."""
        how, rng = self._how, self._rng
        self.impaired = self._losses.next()
        if self.impaired:
            return []
        fates = []
        copies = 2 if how.duplicate and rng.random() < how.duplicate else 1
        self.impaired = copies > 1
        for _ in range(copies):
            corrupt = bool(how.corrupt) and rng.random() < how.corrupt
            self.impaired |= corrupt
            if how.reorder and rng.random() < how.reorder:
                self.impaired |= self._last > now
                fates.append(Fate(now, corrupt))
                continue
            through = self._through(octets, now)
            if through is None:
                continue
            wait = how.delay + (rng.uniform(-how.jitter, how.jitter) if how.jitter else 0.0)
            self.impaired |= wait > 0 and not how.reorder
            self._last = max(self._last, through + max(0.0, wait))
            fates.append(Fate(self._last, corrupt))
        return fates

    def _through(self, octets: int, now: float) -> float | None:
        """When the rate has let a packet through; None if too many wait already."""
        if self._how.rate is None:
            return now
        while self._sending and self._sending[0] <= now:
            self._sending.popleft()
        self.impaired |= bool(self._sending)
        if len(self._sending) > self._how.backlog:  # one of them is not waiting but being sent
            return None
        self._free = max(self._free, now) + octets / self._how.rate
        self._sending.append(self._free)
        return self._free


def flip_bit(data: bytearray, first: int, last: int, rng: random.Random) -> None:
    """Flip one bit of the bytes from `first` up to, not including, `last`."""
    if first < last:
        data[rng.randrange(first, last)] ^= 1 << rng.randrange(8)
