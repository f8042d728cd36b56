"""The output of a receiver: a file or a pipe that all sessions write to.

A message counts as written when `write` has returned for all of its octets. That makes it safe
against the death of this process, not against the loss of power.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
from collections import deque
from collections.abc import Callable

from relpio.logs import Log

__all__ = ["FileOutput"]

RETRY = 1.0
"""Seconds between attempts after a write error."""

_PIPE_BUF = select.PIPE_BUF


class FileOutput:
    """Writes batches in order and calls back once each is written.

    A regular file is written to at once: the page cache takes it in microseconds. A pipe or
    terminal may be full for ever, so it is written to only when it says that it has room, in
    pieces that such room is sure to hold (poll(2) and PIPE_BUF). It is not made non-blocking,
    because that would change it for every other process that shares it, the user's shell included.
    """

    def __init__(self, fd: int, log: Log) -> None:
        """Write to `fd`, which is neither opened nor closed here."""
        self._fd = fd
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._submitted: list[bytes] = []
        self._callbacks: list[Callable[[], None]] = []
        # Batches on their way: octets left of each, and whom to tell.
        self._writing: deque[tuple[memoryview, list[Callable[[], None]]]] = deque()
        self._handle: asyncio.Handle | None = None
        self._failing = False
        self._watched = False
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)
        self._may_block = self._can_be_watched()
        self._idle = asyncio.Event()
        self._idle.set()
        self.broken: asyncio.Future[OSError] = self._loop.create_future()

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

    def close(self) -> None:
        """Forget what is not written; the callbacks for that are never called."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._unwatch()

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
        while self._writing:
            rest, callbacks = self._writing[0]
            try:
                written = self._write_some(rest)
            except OSError as error:
                self._write_failed(error)
                return
            if written == 0:
                self._watch()
                return
            if self._failing:
                self._failing = False
                self._log("output-recovered")
            if written < len(rest):
                self._writing[0] = (rest[written:], callbacks)
                continue
            self._writing.popleft()
            for on_written in callbacks:
                on_written()
            self._gather()
        self._unwatch()
        self._idle.set()

    def _gather(self) -> None:
        if self._submitted:
            batch = memoryview(b"".join(self._submitted))
            self._writing.append((batch, self._callbacks))
            self._submitted, self._callbacks = [], []

    def _write_some(self, data: memoryview) -> int:
        if not self._may_block:
            return os.write(self._fd, data)
        if not self._poll.poll(0):
            return 0
        return os.write(self._fd, data[:_PIPE_BUF])

    def _write_failed(self, error: OSError) -> None:
        if error.errno == errno.EAGAIN:
            self._watch()
            return
        self._unwatch()
        if error.errno == errno.EPIPE:  # the reader has left; there will not be another one
            self._idle.set()  # nothing more will be written, so nobody need wait
            if not self.broken.done():
                self.broken.set_result(error)
            return
        if not self._failing:
            self._failing = True
            self._log("output-error", detail=str(error), retry_seconds=RETRY)
        self._handle = self._loop.call_later(RETRY, self._write)

    def _watch(self) -> None:
        if not self._watched:
            self._watched = True
            self._loop.add_writer(self._fd, self._write)

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            self._loop.remove_writer(self._fd)
