"""The input of `relpio send`: files and pipes, one message a line."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from relpio.errors import InputError

__all__ = ["LineSplitter", "read_chunks"]

CHUNK = 64 * 1024
"""Octets read at once: what a pipe holds by default (pipe(7))."""


class LineSplitter:
    """Cuts a stream of octets into lines, without their LF."""

    def __init__(self, name: str, max_size: int) -> None:
        """Allow lines of up to `max_size` octets; `name` of the input is for error texts."""
        self._name = name
        self._max_size = max_size
        self._rest = bytearray()
        self._lines = 0

    def feed(self, data: bytes) -> tuple[list[bytes], InputError | None]:
        """Return the lines that `data` completes, and what is wrong with the one after them."""
        head, newline, rest = data.rpartition(b"\n")
        if newline:
            lines = head.split(b"\n")
            if self._rest:
                lines[0] = bytes(self._rest) + lines[0]
                self._rest.clear()
        else:
            lines = []
        self._rest += rest
        error = None
        if lines and len(max(lines, key=len)) > self._max_size:
            at = next(at for at, line in enumerate(lines) if len(line) > self._max_size)
            del lines[at:]
            error = self._too_long(at)
        elif len(self._rest) > self._max_size:
            error = self._too_long(len(lines))
        self._lines += len(lines)
        return lines, error

    def finish(self) -> list[bytes]:
        """Return the last line if it has no LF."""
        last = [bytes(self._rest)] if self._rest else []
        self._rest.clear()
        return last

    def _too_long(self, lines_before: int) -> InputError:
        number = self._lines + lines_before + 1
        return InputError(
            f"{self._name}: line {number} is longer than {self._max_size} octets; shorten it, or "
            "raise --max-message-size here and at the receiver"
        )


async def read_chunks(fd: int) -> AsyncIterator[bytes]:
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
