"""A disk-assisted queue: in memory as long as that is enough, then on disk, in one order.

    oldest  [ saved at the last shutdown | in memory | on disk ]  newest

When memory reaches the high watermark, the newest messages move to disk until the low watermark is
left in memory; from then on, and as long as anything is on disk, new messages go behind it. When
all of that is delivered, memory takes over again. rsyslog moves the oldest ones and goes on to
fill memory meanwhile, so that messages overtake each other there.

All parts share one count of numbers, so that they never need to be translated.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Container, Iterable, Sequence
from pathlib import Path

from relpio.errors import LocalProtocolError
from relpio.logs import Log, no_log
from relpio.queue.base import Lease, MessageQueue, Watchers
from relpio.queue.disk import DiskQueue
from relpio.queue.files import Directory, RealDirectory
from relpio.queue.memory import MemoryQueue
from relpio.queue.settings import QueueSettings

__all__ = ["PARTS", "DiskAssistedQueue"]

PARTS = ("saved", "disk")
"""Names of the two directories in the queue's own, oldest messages first."""

_NO_LIMIT = 1 << 62


class DiskAssistedQueue:
    """Memory in front, a disk queue behind it.

    What is in memory is lost with the process, unless it ends in order and `save_on_shutdown` is
    on; what is on disk is as safe as in a `DiskQueue`.
    """

    def __init__(
        self,
        place: Path | Callable[[str], Directory],
        settings: QueueSettings,
        log: Log = no_log,
    ) -> None:
        """Open the queue, or make a new one.

        Args:
            place: its directory, or (in tests) what opens a directory by name.
            settings: `size` limits what is in memory; `max_disk_space` each part on disk.
            log: takes log events.

        Raises:
            ConfigurationError: another process uses the directory.
            OSError: the disk fails, or has no room.
        """
        self._settings = settings
        self._marks = settings.marks
        self.watchers = Watchers()
        if isinstance(place, Path):
            # Made and locked here, so that the two below appear in it and in nothing else.
            self._own: Directory | None = RealDirectory(place)
        else:
            self._own = None
        part_settings = _for_disk(settings)
        self._parts: list[DiskQueue] = []
        try:
            for name in PARTS:
                where = place / name if isinstance(place, Path) else place(name)
                self._parts.append(DiskQueue(where, part_settings, log))
        except BaseException:
            for part in self._parts:
                part.close()
            if self._own is not None:
                self._own.close()
            raise
        self.saved, self.disk = self._parts
        self.memory = MemoryQueue(settings.size, settings.max_bytes)
        self._log = log
        self._last = max(self.saved.last, self.disk.last)
        self._closed = False
        for queue in (self.saved, self.memory, self.disk):
            queue.watchers.added.append(self._tell_added)
            queue.watchers.removed.append(self._tell_removed)

    def _tell_added(self) -> None:
        for tell in self.watchers.added:
            tell()

    def _tell_removed(self) -> None:
        for tell in self.watchers.removed:
            tell()

    # Metrics

    def __len__(self) -> int:
        """Messages held, in flight or not."""
        return len(self.saved) + len(self.memory) + len(self.disk)

    @property
    def last(self) -> int:
        """The number of the message that was put last."""
        return self._last

    @property
    def filling(self) -> int:
        """Messages in memory: the marks are theirs."""
        return len(self.memory)

    @property
    def ready(self) -> int:
        """Messages that can be leased."""
        return self.saved.ready + self.memory.ready + self.disk.ready

    @property
    def lost(self) -> int:
        """Messages that its directories had and have no more."""
        return self.saved.lost + self.disk.lost

    @property
    def in_flight(self) -> int:
        """Messages that were leased and neither acked nor taken back."""
        return self.saved.in_flight + self.memory.in_flight + self.disk.in_flight

    @property
    def spilling(self) -> bool:
        """New messages go to disk."""
        return len(self.disk) > 0 or len(self.saved) > 0

    # Messages in

    def put(self, messages: Sequence[bytes]) -> int:
        """Take as many messages from the front as there is room for; return how many."""
        taken = 0
        if not self.spilling:
            taken = self._put_in_memory(messages)
        if taken < len(messages) and (self.spilling or self._spill()):
            self.disk.skip_to(self._last + 1)
            count = self.disk.put(messages[taken:])
            self._last += count
            taken += count
        if taken < len(messages) and not self.spilling:
            # The disk takes nothing: go on in memory as far as there is room.
            taken += self._put_in_memory(messages[taken:], self._settings.size)
        return taken

    def _put_in_memory(self, messages: Sequence[bytes], limit: int | None = None) -> int:
        room = max(0, (self._marks.high if limit is None else limit) - len(self.memory))
        if not room:
            return 0
        self.memory.skip_to(self._last + 1)
        count = self.memory.put(messages[:room] if len(messages) > room else messages)
        self._last += count
        return count

    def _spill(self) -> bool:
        """Move the newest messages from memory to disk; tell whether any are there now."""
        # Numbers that the disk has had before, for instance in an attempt that failed, are spent.
        count = min(len(self.memory) - self._marks.low, self._last - self.disk.last)
        messages = self.memory.take_newest(count)
        if not messages:  # those are in flight: the new ones begin the part on disk
            return True
        self.disk.skip_to(self._last - len(messages) + 1)
        moved = self.disk.put(messages)
        if moved < len(messages):
            # The newest must not stay in memory while older ones are on disk: all back.
            self.memory.restore_newest(messages)
            self.disk.ack(self.disk.lease(moved).numbers)
            return False
        self._log("queue-spill", moved=moved, memory=len(self.memory))
        return True

    async def commit(self) -> None:
        """Return when what was put before and is on disk is as safe as its policy promises."""
        await self.disk.commit()

    # Messages out

    def lease(self, limit: int) -> Lease:
        """Hand out the lowest numbers that are not in flight, at most `limit`."""
        if not self.spilling:
            return self.memory.lease(limit)
        numbers: list[int] = []
        messages: list[bytes] = []
        for queue in self._in_order():
            if len(numbers) < limit and queue.ready:
                lease = queue.lease(limit - len(numbers))
                numbers += lease.numbers
                messages += lease.messages
                if queue.ready and len(numbers) < limit:
                    break  # what is behind must not overtake it
        return Lease(numbers, messages)

    def _in_order(self) -> tuple[MessageQueue, ...]:
        return self.saved, self.memory, self.disk

    def ack(self, numbers: Iterable[int]) -> None:
        """Forget messages in flight.

        Raises:
            LocalProtocolError: a number is not in flight.
        """
        if not self.spilling:
            self.memory.ack(numbers)
            return
        for queue, part in self._shared_out(numbers):
            queue.ack(part)
        self.saved.let_go()
        self.disk.let_go()

    def nack(self, numbers: Iterable[int]) -> None:
        """Take messages in flight back, to be handed out again before any later one.

        Raises:
            LocalProtocolError: a number is not in flight.
        """
        for queue, part in self._shared_out(numbers):
            queue.nack(part)

    def _shared_out(self, numbers: Iterable[int]) -> list[tuple[MessageQueue, list[int]]]:
        shares: list[tuple[MessageQueue, list[int]]] = [(q, []) for q in self._in_order()]
        holders: tuple[Container[int], ...]
        holders = (self.saved.in_flight_numbers(), self.memory, self.disk.in_flight_numbers())
        for number in numbers:
            for (_, share), holder in zip(shares, holders, strict=True):
                if number in holder:
                    share.append(number)
                    break
            else:
                raise LocalProtocolError(f"message {number} is not in flight")
        return [(queue, share) for queue, share in shares if share]

    def close(self) -> None:
        """Save what is in memory if that is asked for, and close the files."""
        if self._closed:
            return
        self._closed = True
        if self._settings.save_on_shutdown:
            self._save()
        elif len(self.memory):
            self._log("queue-forgotten", messages=len(self.memory))
        for part in self._parts:
            part.close()
        if self._own is not None:
            self._own.close()

    def _save(self) -> None:
        """Put memory, which is older than the disk's part, where it is read first."""
        kept = 0
        run: list[bytes] = []
        first = 0
        for number, message in [*self.memory.items(), (0, b"")]:
            if run and (number != first + len(run) or len(run) == 1024):
                self.saved.skip_to(first)
                kept += self.saved.put(run)
                run = []
            if not run:
                first = number
            run.append(message)
        lost = len(self.memory) - kept
        with contextlib.suppress(OSError):
            self.saved.sync()
        if lost:
            self._log("queue-save-failed", messages=lost, detail=str(self.saved.fault))


def _for_disk(settings: QueueSettings) -> QueueSettings:
    """Return the settings of a part on disk: no limit to its length, as in rsyslog."""
    return QueueSettings(
        size=_NO_LIMIT,
        max_disk_space=settings.max_disk_space,
        max_file_size=settings.max_file_size,
        sync_queue_files=settings.sync_queue_files,
        checkpoint_interval=settings.checkpoint_interval,
    )
