"""The files of a queue on disk: append, sync, delete. It knows nothing of leases.

Policy. Messages are written with write(2) before `append` returns: they survive the death of the
process. With `durable`, `SyncJob` syncs the segment, and the directory when a segment was made,
before they count as safe: they survive a loss of power, too. Should a sync fail, the kernel may
have thrown the data away and would say yes to a second one; so what was not safe yet is kept in
memory until it is, and written again to another file after an error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

from relpio.queue.files import Directory, File, SyncJob
from relpio.queue.findings import Report
from relpio.queue.positions import Positions
from relpio.queue.records import FOOTER, HEADER, encode_block, encode_footer, encode_header
from relpio.queue.recovery import NEW, Segment, recover
from relpio.queue.segment import name_of
from relpio.queue.segments import Segments
from relpio.queue.unsynced import Unsynced

__all__ = ["Store"]


class Store:
    """Segments and positions in a directory.

    Attributes:
        last: number of the last message.
        safe: up to this number, all are as safe as the policy promises.
        segments: in order; the active one is the last.
        epoch: changes when what was read of a segment before is no longer true.
    """

    def __init__(
        self,
        directory: Directory,
        report: Report,
        *,
        max_file_size: int,
        durable: bool,
        checkpoint_interval: int = 0,
    ) -> None:
        """Open the directory, or begin a queue in an empty one.

        Raises:
            OSError: the disk fails, or has no room for the positions.
        """
        state = recover(directory, report)
        self.directory = directory
        self.queue = state.queue
        self.last = self.safe = state.last
        self.epoch = 0
        self._max_file_size = max_file_size
        self._durable = durable
        self._interval = checkpoint_interval
        self._positions = Positions(
            directory, state.queue, state.generation, state.done, state.written, durable=durable
        )
        self.done = self._positions.done
        self.segments = Segments(directory, state.segments, self.done)
        self._active: File | None = None
        self._new_names = False
        self._sync_positions = False
        self._unsynced = Unsynced()
        self._delete_late = False
        if durable:
            try:
                directory.sync()
            except BaseException:
                self._positions.close()
                raise
        self._delete(self.segments)

    @property
    def size(self) -> int:
        """Bytes of all segments."""
        return self.segments.size

    # Messages in

    def append(self, messages: Sequence[bytes]) -> int:
        """Write a block of messages; return its length in bytes.

        Raises:
            OSError: nothing of it is in the queue.
        """
        first = self.last + 1
        block = encode_block(self.queue, first, messages)
        self.retry()
        segment = self.segments.last if self._active is not None else None
        if segment is None or (
            segment.last >= segment.first
            and segment.size + len(block) + FOOTER > self._max_file_size
        ):
            self.seal()
            segment = self._create(first)
        assert self._active is not None
        try:
            self._active.write(segment.size, block)
        except OSError:
            self._undo(segment)
            raise
        self.segments.grow(segment, len(block))
        self.last = segment.last = first + len(messages) - 1
        if self._durable:
            self._unsynced.add(self.last, block)
        else:
            self._all_safe(self.last)
        return len(block)

    def skip_to(self, number: int) -> None:
        """Give the next message this number, which is above `last`; those between are done."""
        if number <= self.last + 1:
            return
        self.seal()
        first, self.last = self.last + 1, number - 1
        self.safe = self.last if self.safe == first - 1 else self.safe
        self._sync_positions = True
        with contextlib.suppress(OSError):
            self._positions.add([(first, self.last)])

    def _create(self, first: int) -> Segment:
        name = name_of(first)
        try:
            file = self.directory.create(name)
        except FileExistsError:  # left behind by a failure of what follows
            file = self.directory.open(name, write=True)
        self._new_names = True
        try:
            file.truncate(0)
            file.write(0, encode_header(self.queue, first))
        except OSError:
            file.close()
            with contextlib.suppress(OSError):
                self.directory.unlink(name)
            raise
        segment = Segment(first, first - 1, HEADER)
        self.segments.add(segment)
        self._active = file
        return segment

    def _undo(self, segment: Segment) -> None:
        """After a failed write: what is behind the last good byte must not be found later."""
        assert self._active is not None
        try:
            self._active.truncate(segment.size)
        except OSError:
            # A reader stops before it, and after a restart it is no block; but nothing more may
            # be written to this segment.
            self._give_up_active()

    def seal(self) -> None:
        """Write no more to the active segment."""
        if self._active is None:
            return
        segment = self.segments.last
        if segment.last < segment.first:
            self._give_up_active()
            return
        try:
            self._active.write(segment.size, encode_footer(self.queue, segment.last))
            self.segments.grow(segment, FOOTER)
        except OSError:  # then it is read in full at the next start, no more
            with contextlib.suppress(OSError):
                self._active.truncate(segment.size)
        self._give_up_active()
        self._delete([segment])

    def _give_up_active(self) -> None:
        assert self._active is not None
        segment = self.segments.last
        if self._durable:
            self._unsynced.seal(segment, self._active)
        else:
            self._active.close()
        self._active = None
        if segment.last < segment.first:
            self.segments.drop_last()

    # Sync

    def begin_sync(self) -> SyncJob:
        """Return what has to be synced so that everything appended so far is safe.

        One job at a time: `end_sync` comes before the next.

        Raises:
            OSError: after a failure, what was not safe could not be written again.
        """
        if self._unsynced.failed:
            self._write_anew()
        directory = self.directory if self._new_names else None
        self._new_names = False
        if self._sync_positions:
            self._positions.sync()
            self._sync_positions = False
        files = self._unsynced.begin(self._active)
        return SyncJob(files if self._durable else [], directory, self.last)

    def end_sync(self, job: SyncJob, *, failed: bool) -> None:
        """Take note of how a job went."""
        self._unsynced.syncing = False
        if failed:
            self._unsynced.failed = self._durable
            self._new_names = True
            return
        self._unsynced.end(job.through)
        self._all_safe(job.through)

    def sync(self) -> None:
        """Make everything safe, here and now.

        Raises:
            OSError: that failed; call it again later.
        """
        job = self.begin_sync()
        try:
            job.run()
        except OSError:
            self.end_sync(job, failed=True)
            raise
        self.end_sync(job, failed=False)

    def _all_safe(self, through: int) -> None:
        self.safe = max(self.safe, through)
        with contextlib.suppress(OSError):  # of use only after damage
            self._positions.set_written(through)

    def _write_anew(self) -> None:
        """Write what is not safe to another file; the old ones count up to there only."""
        if blocks := self._unsynced.blocks:
            first = self.safe + 1
            octets = encode_header(self.queue, first) + blocks
            name = name_of(first)
            with contextlib.suppress(FileNotFoundError):
                self.directory.unlink(name + NEW)
            file = self.directory.create(name + NEW)
            try:
                file.write(0, octets)
                file.sync()
                self.directory.rename(name + NEW, name)
            except OSError:
                file.close()
                with contextlib.suppress(OSError):
                    self.directory.unlink(name + NEW)
                raise
            self._unsynced.close_files()
            if self._active is not None:
                self._active.close()
            self._active = file
            self.segments.cut(first)
            self.segments.add(Segment(first, self.last, len(octets)))
            self.epoch += 1
        self._new_names, self._unsynced.failed = True, False

    # Messages out

    def segment_of(self, number: int) -> Segment | None:
        """Return the first segment whose last number is not below `number`."""
        return self.segments.of(number)

    def finish(self, runs: Iterable[tuple[int, int]]) -> None:
        """Take note that numbers are done; delete segments that have no others."""
        runs = list(runs)
        try:
            self._positions.add(runs)
            if self._durable and self._interval and self._positions.updates >= self._interval:
                self._positions.sync()
        except OSError:  # in memory it is right, and goes to disk with the next one
            self._delete_late = True
            return
        self._delete(self.segments if self._delete_late else self.segments.touched_by(runs))

    def retry(self) -> None:
        """Make up for what failed in `finish`, as far as that goes."""
        with contextlib.suppress(OSError):
            self._positions.retry()

    def delete_done(self) -> bool:
        """Delete all segments that are done, the active one too: for want of room.

        Returns:
            Whether that gave room back to the disk.
        """
        if self._active is not None and self.segments.is_done(self.segments.last):
            self.seal()
        size = self.size
        self._delete(self.segments)
        names = {segment.first for segment in self.segments}
        return self._unsynced.close_deleted(names) or self.size < size

    def _delete(self, segments: Iterable[Segment]) -> None:
        active = self.segments.last if self._active is not None else None
        gone = [each for each in segments if each is not active and self.segments.is_done(each)]
        self._delete_late = bool(gone)  # if that fails, they go another time
        if not gone:
            return
        with contextlib.suppress(OSError):
            if self._durable:
                # Else a loss of power could bring back numbers whose messages are gone.
                self._positions.sync()
            self.segments.delete(gone)
            self._delete_late = False

    def close(self) -> None:
        """Seal, sync as far as the policy asks for it and the disk can, and close."""
        with contextlib.suppress(OSError):
            if self._unsynced.failed:
                self._write_anew()
            self.retry()
            self.seal()
            if self._durable:
                self.sync()
                self._positions.sync()
        self._unsynced.close_files()
        if self._active is not None:
            self._active.close()
        self._active = None
        self._positions.close()
        self.directory.close()
