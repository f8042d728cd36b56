"""Messages that the server will not have: kept in a file, for a person to look at.

JSON Lines: time, the server's code and text, and the message (base64 when it is not UTF-8). A
message leaves the queue only when its line is on the disk.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import NamedTuple

from relpio.logs import Log, no_log
from relpio.queue.base import MessageQueue

__all__ = ["DeadLetterFile", "DeadLetters"]

RETRY = 1.0
"""Seconds until a failed write is tried again."""


class _Letter(NamedTuple):
    number: int
    line: bytes


class DeadLetterFile:
    """Appends lines, each of which is whole or not there."""

    def __init__(self, path: Path) -> None:
        """Open the file; a line that a crash has torn is ended.

        Raises:
            OSError: it cannot be opened.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600)
        size = os.fstat(self._fd).st_size
        if size and os.pread(self._fd, 1, size - 1) != b"\n":
            os.write(self._fd, b"\n")

    def append(self, lines: Sequence[bytes]) -> None:
        """Write and sync.

        Raises:
            OSError: it failed, and nothing of it is left in the file.
        """
        start = os.fstat(self._fd).st_size
        data = memoryview(b"".join(lines))
        try:
            while data:
                data = data[os.write(self._fd, data) :]
            os.fdatasync(self._fd)
        except OSError:
            os.ftruncate(self._fd, start)
            raise

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


class DeadLetters:
    """Takes messages in flight off a queue, by way of the file."""

    def __init__(
        self,
        path: Path,
        queue: MessageQueue,
        log: Log = no_log,
        on_kept: Callable[[Sequence[int]], None] | None = None,
    ) -> None:
        """Open the file.

        Args:
            path: the file.
            queue: where the messages are in flight.
            log: takes log events.
            on_kept: called with the numbers of messages that are safe in the file.

        Raises:
            OSError: it cannot be opened.
        """
        self._file = DeadLetterFile(path)
        self._queue = queue
        self._log = log
        self._on_kept = on_kept
        self._pending: list[_Letter] = []
        self._task: asyncio.Task[None] | None = None
        self._failing = False
        self._closing = False
        self.kept = 0

    def take(self, number: int, message: bytes, code: int, text: str) -> None:
        """Keep a message; it is acked at its queue when that is done."""
        self._pending.append(_Letter(number, _line(message, code, text)))
        if self._task is None:
            self._task = asyncio.create_task(self._write(), name="relpio-dead-letters")

    async def close(self, timeout: float) -> None:
        """Write what is pending, for `timeout` seconds; give the rest back to the queue."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout)
            if not self._task.done():
                self._closing = True
                self._task.cancel()
                await asyncio.wait([self._task])
        if self._pending:
            self._queue.nack([letter.number for letter in self._pending])
            self._pending.clear()
        self._file.close()

    async def _write(self) -> None:
        while self._pending and not self._closing:
            batch = list(self._pending)
            try:
                # A cancellation waits for the write: a line that is in the file must be acked.
                await _finish(asyncio.to_thread(self._file.append, [each.line for each in batch]))
            except OSError as error:
                if not self._failing:
                    self._log("dead-letter-error", detail=str(error), retry_seconds=RETRY)
                self._failing = True
                await asyncio.sleep(RETRY)
                continue
            self._failing = False
            del self._pending[: len(batch)]
            numbers = [letter.number for letter in batch]
            self.kept += len(numbers)
            self._queue.ack(numbers)
            self._log("dead-letter", count=len(numbers))
            if self._on_kept is not None:
                self._on_kept(numbers)
        self._task = None


async def _finish(work: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if task.exception() is not None:
            raise
        # Written all the same: go on as if in time; `close` has stopped waiting meanwhile.


def _line(message: bytes, code: int, text: str) -> bytes:
    record: dict[str, object] = {"t": round(time.time(), 6), "code": code, "text": text}
    try:
        record["message"] = message.decode()
    except UnicodeDecodeError:
        record["message_base64"] = base64.b64encode(message).decode()
    return json.dumps(record).encode() + b"\n"
