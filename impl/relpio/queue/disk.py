"""A queue on disk: what is in memory of it is bounded, however long it grows."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

from relpio.logs import Log, no_log
from relpio.protocol.runs import runs_of
from relpio.queue.ahead import ReadAhead
from relpio.queue.base import Lease, Watchers
from relpio.queue.cursor import Chunk, Cursor
from relpio.queue.faults import RETRY, DiskFaults
from relpio.queue.files import Directory, RealDirectory
from relpio.queue.findings import Finding, show_runs
from relpio.queue.leased import Leased
from relpio.queue.records import FOOTER, split_messages
from relpio.queue.settings import QueueSettings
from relpio.queue.store import Store
from relpio.queue.syncing import Syncing

__all__ = ["DiskQueue"]


class DiskQueue:
    """A queue in a directory of its own.

    Without `sync_queue_files` a message is safe against the death of the process when `put`
    returns; with it, against loss of power when `commit` returns. Acknowledgements reach the file
    at once: after the death of the process, only messages that were in flight are delivered twice.
    Messages in flight are in memory, and a cache of those that come next.

    Attributes:
        damage: what was found wrong so far.
    """

    def __init__(
        self,
        place: Path | Directory,
        settings: QueueSettings | None = None,
        log: Log = no_log,
    ) -> None:
        """Open the queue, or make a new one.

        Raises:
            ConfigurationError: another process uses the directory.
            OSError: the disk fails, or has no room.
        """
        self._settings = settings or QueueSettings()
        self._log = log
        self.damage: list[Finding] = []
        self._faults = DiskFaults(log)
        self.watchers = Watchers()
        directory = RealDirectory(place) if isinstance(place, Path) else place
        try:
            self.store = Store(
                directory,
                self._report,
                max_file_size=self._settings.max_file_size,
                durable=self._settings.sync_queue_files,
                checkpoint_interval=self._settings.checkpoint_interval,
            )
        except BaseException:
            directory.close()
            raise
        self._cursor = Cursor(self.store, self._report)
        self.store.segments.on_deleted = self._cursor.forget
        missing = self.store.done.count_missing
        self._count = sum(missing(part.first, part.last) for part in self.store.segments)
        self._leased = Leased()
        self._ahead = ReadAhead(self._cursor)
        self._syncing = Syncing(self.store, self._faults)
        self._closed = False

    # Metrics

    def __len__(self) -> int:
        """Messages held, in flight or not."""
        return self._count

    @property
    def last(self) -> int:
        """The number of the message that was put last."""
        return self.store.last

    @property
    def filling(self) -> int:
        """All messages count against the marks."""
        return self._count

    @property
    def ready(self) -> int:
        """Messages that can be leased."""
        return self._count - len(self._leased)

    @property
    def in_flight(self) -> int:
        """Messages that were leased and neither acked nor taken back."""
        return len(self._leased)

    def in_flight_numbers(self) -> Container[int]:
        """The numbers of messages in flight."""
        return self._leased.numbers()

    # Messages in

    def put(self, messages: Sequence[bytes]) -> int:
        """Take as many messages from the front as there is room for; return how many."""
        room = self._settings.size - self._count
        if len(messages) > room:
            messages = messages[: max(0, room)]
        if not messages:
            return 0
        taken = 0
        try:
            for part in split_messages(messages):
                if not self._has_room(part):
                    break
                count = self._append_some(part)
                taken += count
                if count < len(part):
                    break
        except OSError as error:
            self._faults.failed(error)
        else:
            if taken and not self._syncing.busy:
                self._faults.healed()
        if taken:
            for tell in self.watchers.added:
                tell()
        return taken

    def _append_some(self, messages: Sequence[bytes]) -> int:
        """Append what the disk has room for, from the front, one at least; return how many.

        Raises:
            OSError: the disk fails, or has no room even for one.
        """
        count, tidied = len(messages), False
        while True:
            try:
                self._append(messages[:count])
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                if not tidied and self.store.delete_done():
                    tidied = True
                    continue
                if count == 1:
                    raise
                count //= 2
            else:
                return count

    def _append(self, messages: Sequence[bytes]) -> None:
        store = self.store
        in_memory = self._ahead.keeps_up(store.last)
        store.append(messages)
        self._count += len(messages)
        if in_memory:
            self._ahead.add_put(Chunk(store.last - len(messages) + 1, list(messages)))

    def _has_room(self, messages: Sequence[bytes]) -> bool:
        limit = self._settings.max_disk_space
        if not limit:
            return True
        # The block, and perhaps the ends of two segments.
        length = sum(map(len, messages)) + 8 * len(messages) + 4 * FOOTER
        if self.store.size + length > limit:
            self.store.delete_done()
        # A message longer than the limit could otherwise never pass.
        return self.store.size + length <= limit or not self._count

    def skip_to(self, number: int) -> None:
        """Give the next message this number; those between are taken for acknowledged."""
        in_memory = self._cursor.number > self.store.last
        self.store.skip_to(number)
        if in_memory:
            self._cursor.skip(self.store.last + 1)

    def let_go(self) -> None:
        """Delete the last segment, too, if nothing is held: for a queue that is seldom used."""
        if not self._count:
            self.store.delete_done()

    async def commit(self) -> None:
        """Return when all that was put before is as safe as the policy promises.

        Many callers share one fsync. While the disk fails, this waits, and tries again each second.
        """
        await self._syncing.through(self.store.last)

    def sync(self) -> None:
        """The same, here and now, in this thread.

        Raises:
            OSError: the disk failed; what was put is in the queue, but not safe. Call again.
        """
        self.store.sync()

    # Messages out

    def lease(self, limit: int) -> Lease:
        """Hand out the lowest numbers that are not in flight, at most `limit`."""
        numbers, messages = self._leased.again(limit)
        while len(numbers) < limit and self._is_ready():
            first, part = self._ahead.take(limit - len(numbers))
            run = range(first, first + len(part))
            self._leased.add(run, part)
            if not numbers and (len(part) == limit or not self._ahead):
                return Lease(run, part)
            numbers += run
            messages += part
        return Lease(numbers, messages)

    def _is_ready(self) -> bool:
        if not self._ahead and self._cursor.number <= self.store.last:
            self._read()
        return bool(self._ahead)

    def _read(self) -> None:
        lost = self._cursor.lost
        try:
            for chunk in self._cursor.read():
                self._ahead.add(chunk)
        except OSError as error:
            self._faults.failed(error)
            with contextlib.suppress(RuntimeError):
                asyncio.get_running_loop().call_later(RETRY, self._tell_added)
        lost = self._cursor.lost - lost
        if lost:
            self._count -= lost
            for tell in self.watchers.removed:
                tell()

    def ack(self, numbers: Iterable[int]) -> None:
        """Forget messages in flight.

        Raises:
            LocalProtocolError: a number is not in flight; then nothing is forgotten.
        """
        numbers = numbers if isinstance(numbers, Sequence) else list(numbers)
        if not numbers:
            return
        self._leased.take_off(numbers)
        self._count -= len(numbers)
        first, last = min(numbers), max(numbers)
        if last - first + 1 == len(numbers):  # all different, or they would not be in flight
            self.store.finish([(first, last)])
        else:
            self.store.finish(runs_of(sorted(numbers)))
        for tell in self.watchers.removed:
            tell()

    def nack(self, numbers: Iterable[int]) -> None:
        """Take messages in flight back, to be handed out again before any later one.

        Raises:
            LocalProtocolError: a number is not in flight; then nothing is taken back.
        """
        numbers = sorted(numbers)
        self._leased.take_back(numbers)
        if numbers:
            self._tell_added()

    def _tell_added(self) -> None:
        for tell in self.watchers.added:
            tell()

    # Trouble

    @property
    def fault(self) -> OSError | None:
        """The last error of the disk, until it works again."""
        return self._faults.now

    @property
    def lost(self) -> int:
        """Messages that were found to be damaged or missing since the start."""
        return sum(finding.gone for finding in self.damage)

    def _report(self, finding: Finding) -> None:
        self.damage.append(finding)
        self._log(
            "queue-damage",
            file=finding.file,
            byte=finding.byte,
            problem=finding.problem,
            lost=show_runs(finding.lost),
            count=finding.gone,
        )

    def close(self) -> None:
        """Close the files. What is held stays on disk, in flight or not."""
        if self._closed:
            return
        self._closed = True
        self._syncing.close()
        self._cursor.close()
        self.store.close()
