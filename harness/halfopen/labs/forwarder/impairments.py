"""Packets on a path that is worse than it should be: a queue without clock, sockets or octets.

Things and times go in, the same things come out later, twice, or not at all.  Chance comes from
the caller's generator, so that the same generator and the same times give the same fate.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Impairment:
    """How bad a path is; the fields are those of :class:`halfopen.verbs.Impair`.

    Attributes:
        delay: seconds.
        jitter: seconds, more or less than `delay`; a delay is never less than nothing.
        loss: share of the packets.
        burst: mean number of packets lost in a row, 1 at least; 1: each is decided by itself.
        reorder: share of the packets that do not wait.
        duplicate: share.
        corrupt: share.
        rate: octets a second, None for no limit.
        backlog: packets that may wait for the rate.
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


class Losses:
    """Which packets are lost.

    Bursts come from a chain of two states, one in which all is lost and one in which nothing is
    (E. N. Gilbert, Capacity of a burst-noise channel, Bell System Technical Recorder 39, 1960).
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
class Released(Generic[T]):
    """What comes out.

    Attributes:
        item: what went in.
        corrupt: whether one of its bits is to be turned.
    """

    item: T
    corrupt: bool


class Path(Generic[T]):
    """One direction of an impaired path.

    Args:
        how: how bad it is.
        rng: where chance comes from.
    """

    def __init__(self, how: Impairment, rng: random.Random) -> None:
        self._how = how
        self._rng = rng
        self._losses = Losses(how.loss, how.burst, rng)
        self._waiting: list[tuple[float, int, Released[T]]] = []
        self._serial = 0
        self._last = 0.0  # when the latest that keeps its place comes out
        self._free = 0.0  # when the rate allows the next
        self._sending: deque[float] = deque()  # when those that wait for the rate are through
        self.lost = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, item: T, octets: int, now: float) -> None:
        """A packet of so many octets comes at `now`."""
        how, rng = self._how, self._rng
        if self._losses.next():
            self.lost += 1
            return
        copies = 2 if how.duplicate and rng.random() < how.duplicate else 1
        for _ in range(copies):
            corrupt = bool(how.corrupt) and rng.random() < how.corrupt
            if how.reorder and rng.random() < how.reorder:
                self._wait(now, Released(item, corrupt))
                continue
            through = self._through(octets, now)
            if through is None:
                self.lost += 1
                continue
            wait = how.delay + (rng.uniform(-how.jitter, how.jitter) if how.jitter else 0.0)
            self._last = max(self._last, through + max(0.0, wait))
            self._wait(self._last, Released(item, corrupt))

    def next_release(self) -> float | None:
        """When the next packet comes out; None if none waits."""
        return self._waiting[0][0] if self._waiting else None

    def due(self, now: float) -> list[Released[T]]:
        """The packets that have come out by `now`, in their order."""
        out = []
        while self._waiting and self._waiting[0][0] <= now:
            out.append(heapq.heappop(self._waiting)[2])
        return out

    def flush(self) -> list[Released[T]]:
        """All that waits, in its order."""
        return self.due(float("inf"))

    def _through(self, octets: int, now: float) -> float | None:
        """When the rate has let a packet through; None if too many wait already."""
        if self._how.rate is None:
            return now
        while self._sending and self._sending[0] <= now:
            self._sending.popleft()
        if len(self._sending) > self._how.backlog:  # one of them is not waiting but being sent
            return None
        self._free = max(self._free, now) + octets / self._how.rate
        self._sending.append(self._free)
        return self._free

    def _wait(self, until: float, what: Released[T]) -> None:
        self._serial += 1
        heapq.heappush(self._waiting, (until, self._serial, what))


def flip_bit(data: bytearray, first: int, last: int, rng: random.Random) -> None:
    """Turn one bit of the octets from `first` up to, not including, `last`."""
    if first < last:
        data[rng.randrange(first, last)] ^= 1 << rng.randrange(8)
