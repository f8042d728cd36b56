"""What every queue of a sender can do, whatever it keeps its messages in.

A message leaves a queue only by `ack`. Between `lease` and `ack` it is in flight: still held, and
handed out again, before any later one, after `nack`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

__all__ = ["Lease", "MessageQueue", "Watchers"]


class Lease(NamedTuple):
    """Messages in flight, each with its number in the queue; both rise together."""

    numbers: Sequence[int]
    messages: Sequence[bytes]


class Watchers:
    """Who wants to know of changes. Called from inside the queue, so a watcher must be quick.

    Attributes:
        added: called when messages can be leased that could not before (put, taken back).
        removed: called when messages were acknowledged, so that there may be room.
    """

    __slots__ = ("added", "removed")

    def __init__(self) -> None:
        """Start with nobody."""
        self.added: list[Callable[[], None]] = []
        self.removed: list[Callable[[], None]] = []


class MessageQueue(Protocol):
    """Messages are numbered in rising order as they are put: from 1 in a new queue.

    Several workers may lease from one queue. A worker that lost its session nacks the numbers that
    it holds, and no others.
    """

    @property
    def watchers(self) -> Watchers:
        """Who is told of changes."""
        ...

    @property
    def last(self) -> int:
        """The number of the message that was put last; 0 when there never was one."""
        ...

    @property
    def ready(self) -> int:
        """Messages that can be leased."""
        ...

    @property
    def filling(self) -> int:
        """Messages that count against the marks: of a disk-assisted queue, those in memory."""
        ...

    @property
    def lost(self) -> int:
        """Messages that the queue had accepted and found damaged or missing on its disk."""
        ...

    def put(self, messages: Sequence[bytes]) -> int:
        """Take as many messages from the front as there is room for; return how many.

        They can be leased at once, but are safe only when a `commit` that began later returns.
        """
        ...

    async def commit(self) -> None:
        """Return when all that was put before is as safe as the queue's policy promises.

        As long as that is not possible, for instance on a full disk, this waits.
        """
        ...

    def lease(self, limit: int) -> Lease:
        """Hand out the lowest numbers that are not in flight, at most `limit`.

        Fewer may come than are there; none come only when none can be handed out.
        """
        ...

    def ack(self, numbers: Iterable[int]) -> None:
        """Forget messages in flight.

        Raises:
            LocalProtocolError: a number is not in flight.
        """
        ...

    def nack(self, numbers: Iterable[int]) -> None:
        """Take messages in flight back, to be handed out again before any later one.

        Raises:
            LocalProtocolError: a number is not in flight.
        """
        ...

    def __len__(self) -> int:
        """Messages held, in flight or not."""
        ...

    def close(self) -> None:
        """Let go of files. What is held on disk stays there for the next start."""
        ...
