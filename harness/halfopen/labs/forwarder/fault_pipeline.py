"""The faults that stand on the way through a middlebox: blocks, then impairments in turn."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from halfopen.labs.forwarder.impairments import Impairment, Path, Released, flip_bit
from halfopen.labs.forwarder.matching import ActiveBlock, PacketFacts, PacketFilter
from halfopen.middlebox.packet import Side


@dataclass(frozen=True)
class Job:
    """A frame that is ready to go out.

    Attributes:
        frame: its octets; never changed any more.
        to: the side that it goes out on.
        inner: where in it TCP, or whatever IP carries, begins.
        traffic: what a fault may ask of it.
    """

    frame: bytes | bytearray
    to: Side
    inner: int
    traffic: PacketFacts


@dataclass(frozen=True)
class _Standing:
    aim: PacketFilter
    paths: Mapping[Side, Path[Job]]


class FaultPipeline:
    """What stands on the way.

    Args:
        rng: where chance comes from.
        out: takes what has come through.
    """

    def __init__(self, rng: random.Random, out: Callable[[Job], None]) -> None:
        self._rng = rng
        self._out = out
        self._barriers: dict[str, ActiveBlock] = {}
        self._impairments: dict[str, _Standing] = {}
        self._lost_before = 0

    def __bool__(self) -> bool:
        """Whether anything stands."""
        return bool(self._barriers or self._impairments)

    @property
    def lost(self) -> int:
        """Packets that impairments have lost."""
        return self._lost_before + sum(
            path.lost for each in self._impairments.values() for path in each.paths.values()
        )

    def block(self, name: str, block: ActiveBlock) -> None:
        """Let a block stand from now on."""
        self._barriers[name] = block

    def unblock(self, name: str) -> None:
        """End a block.

        Raises:
            KeyError: if there is none of this name.
        """
        del self._barriers[name]

    def impair(self, name: str, aim: PacketFilter, how: Impairment) -> None:
        """Let an impairment stand from now on, behind those that stand."""
        paths = {side: Path[Job](how, self._rng) for side in Side}
        self._impairments[name] = _Standing(aim, paths)

    def unimpair(self, name: str, now: float) -> None:
        """End an impairment; what waits goes on at once, through those that stand behind it.

        Raises:
            KeyError: if there is none of this name.
        """
        ending = self._impairments[name]
        behind = self._behind(name)
        del self._impairments[name]
        for path in ending.paths.values():
            self._lost_before += path.lost
            self._release(path.flush(), behind, now)

    def stopped_by(self, traffic: PacketFacts) -> ActiveBlock | None:
        """The block that keeps a packet from getting through, if there is one."""
        for block in self._barriers.values():
            if block.stops(traffic, self._rng):
                return block
        return None

    def enter(self, job: Job, now: float) -> None:
        """A frame begins its way through the impairments."""
        self._go_on(job, self._impairments, now)

    def tick(self, now: float) -> None:
        """Let go what has waited until `now`."""
        for name in list(self._impairments):
            for path in self._impairments[name].paths.values():
                self._release(path.due(now), self._behind(name), now)

    def next_release(self) -> float | None:
        """When something will have waited; None if nothing waits."""
        times = [p.next_release() for s in self._impairments.values() for p in s.paths.values()]
        return min((time for time in times if time is not None), default=None)

    def _behind(self, name: str) -> list[str]:
        names = list(self._impairments)
        return names[names.index(name) + 1 :]

    def _go_on(self, job: Job, names: Iterable[str], now: float) -> None:
        """Through the impairments `names`, as far as it gets now."""
        for name in names:
            standing = self._impairments[name]
            if standing.aim.meets(job.traffic):
                path = standing.paths[job.to]
                path.offer(job, job.traffic.octets, now)
                self._release(path.due(now), self._behind(name), now)
                return
        self._out(job)

    def _release(self, released: list[Released[Job]], behind: list[str], now: float) -> None:
        for each in released:
            job = each.item
            if each.corrupt:
                frame = bytearray(job.frame)
                flip_bit(frame, job.inner, len(frame), self._rng)
                job = Job(frame, job.to, job.inner, job.traffic)
            self._go_on(job, behind, now)
