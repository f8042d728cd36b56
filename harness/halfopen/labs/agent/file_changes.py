"""Tells when something in a few directories was written, without looking.  Source: inotify(7)."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

# include/uapi/linux/inotify.h
_MODIFY, _MOVED_TO, _CREATE, _DELETE = 0x2, 0x80, 0x100, 0x200
_libc = ctypes.CDLL(None, use_errno=True)


class FileChanges:
    """Watches directories, each with its entries but without what is below those.

    Args:
        directories: those that are there; others are passed over.
    """

    def __init__(self, directories: Iterable[Path]) -> None:
        self._fd = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self._news = asyncio.Event()
        for each in directories:
            mask = _MODIFY | _MOVED_TO | _CREATE | _DELETE
            if each.is_dir() and _libc.inotify_add_watch(self._fd, os.fsencode(each), mask) < 0:
                error = OSError(ctypes.get_errno(), f"inotify_add_watch: {each}")
                os.close(self._fd)
                raise error
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._read)

    async def wait(self, at_most: float) -> bool:
        """Wait until something was written since the last call; False after `at_most` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most):
                await self._news.wait()
        heard = self._news.is_set()
        self._news.clear()
        return heard

    def close(self) -> None:
        """Watch no longer."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._fd, 1 << 16)
        self._news.set()
