"""Files and pipes, read once to their end, one message a line or a record of lines."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from relpio.inputs.base import Deliver, Flow
from relpio.inputs.lines import LineSplitter
from relpio.inputs.records import RecordJoiner, RecordRule
from relpio.logs import Log, no_log

__all__ = ["StreamInput", "open_streams", "read_chunks"]

CHUNK = 64 * 1024
"""Bytes read at once: what a pipe holds by default (pipe(7))."""

_STDIN = 0

_LAST = 1.0
"""Seconds that a stop gives the queue to take a record that was read and may have gone on."""


@dataclass
class StreamInput:
    """Streams, one after the other, so that their order is kept.

    Attributes:
        streams: name for error texts, and descriptor, of each; closed at its end, except 0.
        max_line: bytes of a line; a longer one raises InputError, since nobody is there to tell
            the writer of a pipe, and half a message is worse than a stop.
        truncate: send the first `max_line` bytes of a longer line instead.
        records: how lines are put together; None makes each line a message.
        log: is told of the first line that was cut.
    """

    streams: Sequence[tuple[str, int]]
    max_line: int
    name: str = "stdin"
    flow: Flow = "full"
    received: int = 0
    truncate: bool = False
    records: RecordRule | None = None
    log: Log = no_log
    _told: bool = False

    def close(self) -> None:
        """Close the files that were not read to their end."""
        for _, fd in self.streams:
            if fd != _STDIN:
                os.close(fd)
        self.streams = ()

    async def run(self, deliver: Deliver) -> None:
        """Read all to the end."""
        try:
            while self.streams:
                (name, fd), rest = self.streams[0], self.streams[1:]
                splitter = LineSplitter(name, self.max_line, truncate=self.truncate)
                if self.records is None:
                    await self._read(fd, splitter, deliver)
                else:
                    joiner = RecordJoiner(self.records, self.max_line)
                    await self._read_records(fd, splitter, joiner, deliver)
                self.streams = rest
                if fd != _STDIN:
                    os.close(fd)
        finally:
            self.close()

    async def _read(self, fd: int, splitter: LineSplitter, deliver: Deliver) -> None:
        async for data in read_chunks(fd):
            lines, error = splitter.feed(data)
            self._tell(splitter)
            await self._take(lines, deliver)
            if error is not None:
                raise error
        await self._take(splitter.finish(), deliver)
        self._tell(splitter)

    async def _read_records(
        self, fd: int, splitter: LineSplitter, joiner: RecordJoiner, deliver: Deliver
    ) -> None:
        chunks = read_chunks(fd)
        try:
            while True:
                data = await self._next(chunks, joiner, deliver)
                lines, error = splitter.feed(data) if data else (splitter.finish(), None)
                self._tell(splitter)
                records = joiner.feed(lines)
                if error is not None or not data:
                    records += joiner.finish()
                await self._take(records, deliver)
                if error is not None:
                    raise error
                if not data:
                    return
        finally:
            await chunks.aclose()

    async def _next(
        self, chunks: AsyncGenerator[bytes, None], joiner: RecordJoiner, deliver: Deliver
    ) -> bytes:
        """Return what comes next, nothing at the end; a record that no line follows is complete."""
        waiting = asyncio.create_task(_next_or_nothing(chunks))
        try:
            if joiner.unfinished:
                done, _ = await asyncio.wait([waiting], timeout=joiner.rule.timeout)
                if not done:
                    await self._take(joiner.finish(), deliver)
            return await waiting
        except asyncio.CancelledError:
            # Its lines were taken from the pipe: there they are no more.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST):
                    await self._take(joiner.finish(), deliver)
            raise
        finally:
            waiting.cancel()
            await asyncio.wait([waiting])

    def _tell(self, splitter: LineSplitter) -> None:
        if splitter.truncated and not self._told:
            self._told = True
            self.log("truncated", input=self.name, bytes=self.max_line)

    async def _take(self, lines: list[bytes], deliver: Deliver) -> None:
        if lines:
            await deliver(lines)
            self.received += len(lines)


async def _next_or_nothing(chunks: AsyncGenerator[bytes, None]) -> bytes:
    return await anext(chunks, b"")


def open_streams(names: Sequence[str]) -> list[tuple[str, int]]:
    """Open all before anything is sent: a missing file must not be found out half-way.

    `-` is standard input.

    Raises:
        OSError: one cannot be opened.
    """
    return [
        ("standard input", _STDIN)
        if name == "-"
        else (name, os.open(name, os.O_RDONLY | os.O_CLOEXEC))
        for name in names
    ]


async def read_chunks(fd: int) -> AsyncGenerator[bytes, None]:
    """Yield what can be read from `fd`, waiting without a thread where waiting is possible.

    The descriptor stays in blocking mode, since other processes may share it. A pipe or terminal is
    read only when it has something; a regular file always has.
    """
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(fd, ready.set)
        watched = True
    except PermissionError:  # epoll does not do files: they are always ready
        watched = False
    try:
        while True:
            if watched:
                ready.clear()
                await ready.wait()
                # Level-triggered: while the queue is full we must not be woken again and again.
                loop.remove_reader(fd)
            data = os.read(fd, CHUNK)
            if not data:
                return
            yield data
            if watched:
                loop.add_reader(fd, ready.set)
            else:
                await asyncio.sleep(0)  # a long file must not keep the loop from its sockets
    finally:
        if watched:
            loop.remove_reader(fd)
