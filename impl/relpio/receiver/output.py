"""The output of a receiver: a file or a pipe that all sessions write to.

A message counts as written when `write` has returned for all of its bytes. That makes it safe
against the death of this process, not against the loss of power: `SyncedFileOutput` does that.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from relpio.logs import Log
from relpio.receiver.files import FileKind
from relpio.receiver.rotation import move_aside

__all__ = ["Batch", "FileOutput"]

RETRY = 1.0
"""Seconds between attempts after a write error."""

ROTATION_RETRY = 60.0
"""Seconds between attempts to move a file aside."""

_PIPE_BUF = select.PIPE_BUF


class Batch(NamedTuple):
    """What is written with one call: the bytes, and whom to tell."""

    data: bytes
    callbacks: list[Callable[[], None]]

    def tell(self) -> None:
        """Say that it is done."""
        for on_written in self.callbacks:
            on_written()


class FileOutput:
    """Writes batches in order and calls back once each is written.

    A regular file is written to at once: the page cache takes it in microseconds. A pipe or
    terminal may be full forever, so it is written to only when it says that it has room, in
    pieces that such room is sure to hold (poll(2) and PIPE_BUF). It is not made non-blocking,
    because that would change it for every other process that shares it, the user's shell included.
    A pipe that nobody shares (`exclusive`) is made non-blocking: it takes 16 times as much at once.
    """

    def __init__(
        self,
        fd: int,
        log: Log,
        *,
        path: Path | None = None,
        exclusive: bool = False,
        kind: FileKind | None = None,
    ) -> None:
        """Write to `fd`, which is neither opened nor closed here; but see `reopen`.

        With a `path`, that is what `fd` was opened from, and `fd` belongs to this object. `kind`
        says how other files are opened in its place.
        """
        self._kind = kind or FileKind()
        self._rotating = False
        self._no_rotation_before = 0.0
        self._fd = fd
        self._log = log
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._submitted: list[bytes] = []
        self._callbacks: list[Callable[[], None]] = []
        self._writing: deque[Batch] = deque()  # on their way
        self._written = 0  # bytes of the first of them
        self._handle: asyncio.Handle | None = None
        self._failing = False
        self.errors = 0  # attempts to write that failed
        self._watched = False
        self._reopening = False
        self._exclusive = exclusive
        if exclusive:
            os.set_blocking(fd, False)
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)
        self._may_block = self._can_be_watched()
        self._idle = asyncio.Event()
        self._idle.set()
        self.broken: asyncio.Future[OSError] = self._loop.create_future()

    @property
    def idle(self) -> bool:
        """There is nothing to do."""
        return self._idle.is_set()

    @property
    def failing(self) -> bool:
        """The last attempt to write failed."""
        return self._failing

    def submit(self, data: bytes, on_written: Callable[[], None]) -> None:
        """Write `data` soon, together with what else comes in this turn of the loop."""
        self._submitted.append(data)
        self._callbacks.append(on_written)
        self._idle.clear()
        if self._handle is None and not self._watched:
            self._handle = self._loop.call_soon(self._write)

    async def flushed(self) -> None:
        """Wait until everything is written, or can never be."""
        await self._idle.wait()

    def reopen(self) -> None:
        """Go on in a new file of the same path: the old one was moved away.

        What has been begun in the old file is finished there, or cut off if that cannot be.
        Without a path, nothing happens.
        """
        if self._path is None:
            return
        self._reopening = True
        self._idle.clear()
        if self._handle is None and not self._watched:
            self._handle = self._loop.call_soon(self._write)

    def close(self) -> None:
        """Forget what is not written; the callbacks for that are never called."""
        self._cut_begun()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._unwatch()
        if self._path is not None:
            os.close(self._fd)
            self._path = None

    def _can_be_watched(self) -> bool:
        try:
            self._loop.add_writer(self._fd, self._write)
        except PermissionError:  # epoll does not do files: they never block
            return False
        self._loop.remove_writer(self._fd)
        return True

    def _write(self) -> None:
        self._handle = None
        self._gather()
        while self._ready() and self._writing:
            batch = self._writing[0]
            if self._rotation_due(len(batch.data)):
                self._reopening = self._rotating = True
                continue
            try:
                written = self._write_some(memoryview(batch.data)[self._written :])
            except OSError as error:
                self._write_failed(error)
                return
            if written == 0:
                self._watch()
                return
            self._recovered()
            self._written += written
            if self._written < len(batch.data):
                continue
            self._writing.popleft()
            self._written = 0
            self._batch_written(batch)
            self._gather()
        self._unwatch()
        if self._nothing_left():
            self._idle.set()

    def _batch_written(self, batch: Batch) -> None:
        batch.tell()

    def _nothing_left(self) -> bool:
        return not self._writing and not self._reopening

    def _gather(self) -> None:
        if self._submitted:
            self._writing.append(Batch(b"".join(self._submitted), self._callbacks))
            self._submitted, self._callbacks = [], []

    def _write_some(self, data: memoryview) -> int:
        if self._exclusive or not self._may_block:
            return os.write(self._fd, data)
        if not self._poll.poll(0):
            return 0
        return os.write(self._fd, data[:_PIPE_BUF])

    def _ready(self) -> bool:
        """Change to the new file when that is due and possible; False: wait."""
        if not self._reopening:
            return True
        if self._failing:
            self._cut_begun()
        if self._written:
            return True
        if not self._may_reopen():
            return False
        assert self._path is not None
        moved: Path | None = None
        if self._rotating:
            self._rotating = False
            moved = self._move_aside(self._path)
            if moved is None:
                self._reopening = False
                return True
        try:
            fd = self._open(self._path)
        except OSError as error:
            self._write_failed(error)
            return False
        os.close(self._fd)
        self._fd = fd
        self._reopening = False
        if moved is None:
            self._log("output-reopened", path=str(self._path))
        return True

    def _rotation_due(self, more: int) -> bool:
        rotation = self._kind.rotation
        if rotation is None or self._written or self._path is None:
            return False
        now = time.time()
        return now >= self._no_rotation_before and rotation.due(self._fd, more, now)

    def _move_aside(self, path: Path) -> Path | None:
        """Move the file; None when that fails: then it goes on, and is tried again later."""
        assert self._kind.rotation is not None
        try:
            moved = move_aside(path, time.time())
        except OSError as error:
            self._no_rotation_before = time.time() + ROTATION_RETRY
            self._log("rotation-failed", path=str(path), detail=str(error))
            return None
        self._log("output-rotated", path=str(path), to=str(moved))
        if self._kind.rotation.rotated is not None:
            self._kind.rotation.rotated.add(path, moved)
        return moved

    def _cut_begun(self) -> None:
        """Take back the part of a batch that could be written: it ends in half a record."""
        if not self._written or self._may_block or self._path is None:
            return
        end = os.lseek(self._fd, 0, os.SEEK_CUR)
        if os.fstat(self._fd).st_size == end:  # else somebody else has written after it
            os.ftruncate(self._fd, end - self._written)
            detail = "a batch that could not be finished was cut off"
            self._log("output-torn", path=str(self._path), cut=self._written, detail=detail)
            self._written = 0

    def _may_reopen(self) -> bool:
        return True

    def _open(self, path: Path) -> int:
        return self._kind.open(path, self._log)

    def _recovered(self) -> None:
        if self._failing:
            self._failing = False
            self._log("output-recovered")

    def _write_failed(self, error: OSError) -> None:
        if error.errno == errno.EAGAIN:
            self._watch()
            return
        self._unwatch()
        self.errors += 1
        if error.errno == errno.EPIPE:  # the reader has left; there will not be another one
            self._idle.set()  # nothing more will be written, so nobody need wait
            if not self.broken.done():
                self.broken.set_result(error)
            return
        if not self._failing:
            self._failing = True
            self._log("output-error", detail=str(error), retry_seconds=RETRY)
        if self._handle is None:
            self._handle = self._loop.call_later(RETRY, self._write)

    def _watch(self) -> None:
        if not self._watched:
            self._watched = True
            self._loop.add_writer(self._fd, self._write)

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            self._loop.remove_writer(self._fd)
