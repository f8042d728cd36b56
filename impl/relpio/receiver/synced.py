"""A file output that waits for the disk: a message counts as written when it survives a power cut.

One fdatasync serves everything written before it, of all sessions (group commit). It runs in a
thread, so the loop goes on reading and writing meanwhile; what is written then waits for the next
one. So the cost of a sync is shared by whatever arrives during one.

When a sync fails, Linux may have thrown the unwritten pages away and reports success the next time
(an error is reported once; fsync(2)). To believe that would be to lie. So everything that was not
confirmed is written a second time, to the end of the file, and synced there: the file may then hold
some messages twice, and the remains of the first attempt, but no acknowledged message is missing.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import stat
from functools import partial
from pathlib import Path

from relpio.errors import ConfigurationError
from relpio.logs import Log
from relpio.receiver.files import FileKind
from relpio.receiver.output import RETRY, Batch, FileOutput

__all__ = ["SyncedFileOutput"]


class SyncedFileOutput(FileOutput):
    """Calls back once each batch is on the disk."""

    def __init__(
        self, fd: int, log: Log, *, path: Path | None = None, kind: FileKind | None = None
    ) -> None:
        """Write to `fd`, as `FileOutput` does.

        Raises:
            ConfigurationError: it is not a regular file, so that nothing could be synced.
        """
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ConfigurationError("only a regular file can be synced to the disk")
        super().__init__(
            fd, log, path=path, kind=dataclasses.replace(kind or FileKind(), synced=True)
        )
        self._unsynced: list[Batch] = []
        self._syncing: asyncio.Future[None] | None = None
        self._closed = False
        self.syncs = 0

    def close(self) -> None:
        """Forget what is not synced; the callbacks for that are never called."""
        self._closed = True
        if self._syncing is None:
            super().close()

    def _batch_written(self, batch: Batch) -> None:
        self._unsynced.append(batch)
        if self._syncing is None:
            self._sync()

    def _sync(self) -> None:
        batches, self._unsynced = self._unsynced, []
        try:
            self._syncing = self._loop.run_in_executor(None, os.fdatasync, self._fd)
        except RuntimeError as error:  # the system has no thread left
            self._sync_failed(batches, error)
            return
        self._syncing.add_done_callback(partial(self._synced, batches))

    def _synced(self, batches: list[Batch], done: asyncio.Future[None]) -> None:
        self._syncing = None
        if self._closed:  # `close` left the descriptor to the sync that was running
            super().close()
            return
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or error is not None:
            self._sync_failed(batches, error)
            return
        self.syncs += 1
        if self._handle is None:
            super()._recovered()
        for batch in batches:
            batch.tell()
        if self._unsynced:
            self._sync()
        elif self._reopening and self._handle is None:
            self._handle = self._loop.call_soon(self._write)
        elif self._nothing_left() and not self._submitted:
            self._idle.set()

    def _sync_failed(self, batches: list[Batch], error: BaseException | None) -> None:
        self.errors += 1
        again = [*batches, *self._unsynced]
        self._unsynced = []
        if self._written:  # the batch in the middle of its way goes on first: no line is torn
            again.insert(0, self._writing.popleft())
        self._writing.extendleft(reversed(again))
        if not self._failing:
            self._failing = True
            self._log("output-error", detail=f"sync: {error}", retry_seconds=RETRY)
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._loop.call_later(RETRY, self._write)

    def _recovered(self) -> None:
        """A write that succeeds proves nothing after a sync that failed: the next sync will."""

    def _nothing_left(self) -> bool:
        return super()._nothing_left() and not self._unsynced and self._syncing is None

    def _may_reopen(self) -> bool:
        return not self._unsynced and self._syncing is None
