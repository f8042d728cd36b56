"""A queue on disk: what is in memory of it is bounded, however long it grows."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import time
from bisect import insort
from collections import deque
from collections.abc import Container, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from relpio.errors import LocalProtocolError
from relpio.logs import Log, no_log
from relpio.protocol.runs import runs_of
from relpio.queue.base import Lease, Watchers
from relpio.queue.cursor import Chunk, Cursor
from relpio.queue.files import Directory, RealDirectory, SyncJob
from relpio.queue.findings import Finding, show_runs
from relpio.queue.records import FOOTER, split_messages
from relpio.queue.settings import QueueSettings
from relpio.queue.store import Store

__all__ = ["DiskQueue"]

RETRY = 1.0
"""Seconds between attempts after an error of the disk."""

QUIET = 10.0
"""Seconds from a recovery to the next error that is logged: the edge of a full disk has many."""

CACHE_BYTES = 8 * 1024 * 1024
"""Most bytes of messages kept in memory from `put` on, so that they need not be read again."""

_OVERHEAD = 64
"""Bytes that a message costs in memory besides itself, roughly."""


class DiskQueue:
    """A queue in a directory of its own.

    Without `sync_queue_files` a message is safe against the death of the process when `put`
    returns; with it, against loss of power when `commit` returns. Acknowledgements reach the file
    at once: after the death of the process, only messages that were in flight are delivered twice.
    Messages in flight are in memory, and a cache of those that come next.

    Attributes:
        damage: what was found wrong so far.
        fault: the last error of the disk, until it works again.
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
        self.fault: OSError | None = None
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
        self.store.on_deleted = self._cursor.forget
        missing = self.store.done.count_missing
        self._count = sum(missing(part.first, part.last) for part in self.store.segments)
        self._flying: dict[int, bytes] = {}
        self._returned: dict[int, bytes] = {}
        self._return_order: list[int] = []  # the keys of it, rising
        self._cache: deque[Chunk] = deque()  # ready, before all that the cursor has yet to read
        self._cache_bytes = 0
        self._syncing: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._closed = False
        self._told = False  # the log knows of the fault
        self._told_at = -QUIET

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
        return self._count - len(self._flying)

    @property
    def in_flight(self) -> int:
        """Messages that were leased and neither acked nor taken back."""
        return len(self._flying)

    def in_flight_numbers(self) -> Container[int]:
        """The numbers of messages in flight."""
        return self._flying.keys()

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
            self._failed(error)
        else:
            if taken and self.fault is not None and self._syncing is None:
                self._healed()
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
        store, cursor = self.store, self._cursor
        in_memory = cursor.number > store.last and self._cache_bytes < CACHE_BYTES
        store.append(messages)
        self._count += len(messages)
        if in_memory:
            self._add_to_cache(Chunk(store.last - len(messages) + 1, list(messages)))
            cursor.skip(store.last + 1)

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
        target = self.store.last
        while self.store.safe < target:
            if self._syncing is None:
                self._syncing = asyncio.create_task(self._sync(), name="relpio-queue-sync")
            await asyncio.shield(self._syncing)

    def sync(self) -> None:
        """The same, here and now, in this thread.

        Raises:
            OSError: the disk failed; what was put is in the queue, but not safe. Call again.
        """
        self.store.sync()

    async def _sync(self) -> None:
        loop = asyncio.get_running_loop()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "relpio-queue")
        try:
            while not self._closed:
                try:
                    job = self.store.begin_sync()
                    await self._run(loop, job)
                except OSError as error:
                    self._failed(error)
                    await asyncio.sleep(RETRY)
                    continue
                if self.fault is not None:
                    self._healed()
                return
        finally:
            self._syncing = None

    async def _run(self, loop: asyncio.AbstractEventLoop, job: SyncJob) -> None:
        running = loop.run_in_executor(self._thread, job.run)
        failed = True
        try:
            await running
            failed = False
        finally:
            # Cancelled: it may have been done all the same, but that is not to be relied upon.
            if not self._closed:
                self.store.end_sync(job, failed=failed)

    # Messages out

    def lease(self, limit: int) -> Lease:
        """Hand out the lowest numbers that are not in flight, at most `limit`."""
        numbers: list[int] = []
        messages: list[bytes] = []
        flying = self._flying
        if self._return_order and limit > 0:
            numbers = self._return_order[:limit]
            del self._return_order[: len(numbers)]
            messages = [self._returned.pop(number) for number in numbers]
            flying.update(zip(numbers, messages, strict=True))
        while len(numbers) < limit and (chunk := self._next_chunk()) is not None:
            first, ready = chunk
            count = min(limit - len(numbers), len(ready))
            part = ready[:count]
            if count < len(ready):
                self._cache.appendleft(Chunk(first + count, ready[count:]))
            self._cache_bytes -= sum(map(len, part)) + _OVERHEAD * count
            run = range(first, first + count)
            flying.update(zip(run, part, strict=True))
            if not numbers and (count == limit or not self._cache):
                return Lease(run, part)
            numbers += run
            messages += part
        return Lease(numbers, messages)

    def _next_chunk(self) -> Chunk | None:
        if not self._cache and self._cursor.number <= self.store.last:
            self._read()
        return self._cache.popleft() if self._cache else None

    def _read(self) -> None:
        lost = self._cursor.lost
        try:
            for chunk in self._cursor.read():
                self._add_to_cache(chunk)
        except OSError as error:
            self._failed(error)
            with contextlib.suppress(RuntimeError):
                asyncio.get_running_loop().call_later(RETRY, self._tell_added)
        lost = self._cursor.lost - lost
        if lost:
            self._count -= lost
            for tell in self.watchers.removed:
                tell()

    def _add_to_cache(self, chunk: Chunk) -> None:
        self._cache.append(chunk)
        self._cache_bytes += sum(map(len, chunk.messages)) + _OVERHEAD * len(chunk.messages)

    def ack(self, numbers: Iterable[int]) -> None:
        """Forget messages in flight.

        Raises:
            LocalProtocolError: a number is not in flight; then nothing is forgotten.
        """
        numbers = numbers if isinstance(numbers, Sequence) else list(numbers)
        if not numbers:
            return
        self._take_off(numbers)
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
        messages = self._take_off(numbers)
        if len(numbers) == 1:
            insort(self._return_order, numbers[0])
        else:
            self._return_order += numbers
            self._return_order.sort()
        self._returned.update(zip(numbers, messages, strict=True))
        if numbers:
            self._tell_added()

    def _take_off(self, numbers: Sequence[int]) -> list[bytes]:
        flying = self._flying
        messages: list[bytes] = []
        try:
            # Goes on in order until one is not there, so that it is known where it stopped.
            messages.extend(map(flying.pop, numbers))
        except KeyError as error:
            for number, message in zip(numbers, messages, strict=False):
                flying[number] = message
            raise LocalProtocolError(f"message {error.args[0]} is not in flight") from None
        return messages

    def _tell_added(self) -> None:
        for tell in self.watchers.added:
            tell()

    # Trouble

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

    def _failed(self, error: OSError) -> None:
        self.fault = error
        now = time.monotonic()
        if not self._told and now - self._told_at >= QUIET:
            self._told, self._told_at = True, now
            self._log("queue-error", detail=str(error), retry_seconds=RETRY)

    def _healed(self) -> None:
        self.fault = None
        if self._told:
            self._told, self._told_at = False, time.monotonic()
            self._log("queue-recovered")

    def close(self) -> None:
        """Close the files. What is held stays on disk, in flight or not."""
        if self._closed:
            return
        self._closed = True
        if self._thread is not None:
            self._thread.shutdown(wait=True)
        if self._syncing is not None:
            self._syncing.cancel()
        self._cursor.close()
        self.store.close()
