"""Whether a program has come to a limit of file descriptors or memory.

The kernel does not report that accept(2) or open(2) failed with EMFILE, or brk(2) and mmap(2) with
ENOMEM.  But a program that gets EMFILE has as many descriptors open as it may, one that gets ENOMEM
has about as much memory, and looks are cheap.
"""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod

from halfopen.probes.procfs import MemorySizes, memory_sizes

_LOOK_S = 0.05

SMALLEST_ROOM = 1 << 20
"""Bytes: what an allocator asks the kernel for at once (CPython's arenas; malloc(3) takes less)."""

_SHARE_OF_ROOM = 16


class LimitWatch(ABC):
    """Looks at a process, until it is stopped or the process ends.

    Attributes:
        at_limit: the most that it had when it could get no more; 0 if it always could.
    """

    def __init__(self) -> None:
        self.at_limit = 0
        self._task = asyncio.create_task(self._go_on())

    @abstractmethod
    def look(self) -> bool:
        """Look now; False if the process is gone."""
        raise NotImplementedError

    def stop(self) -> None:
        """Look no more."""
        self._task.cancel()

    async def _go_on(self) -> None:
        while self.look():  # noqa: ASYNC110 - the kernel does not report it
            await asyncio.sleep(_LOOK_S)


class DescriptorWatch(LimitWatch):
    """Looks at the descriptors of a process.

    Args:
        pid: of the process.
        limit: how many it may have open.
    """

    def __init__(self, pid: int, limit: int) -> None:
        self._directory = f"/proc/{pid}/fd"
        self._limit = limit
        super().__init__()

    def look(self) -> bool:
        """Look now; False if the process is gone."""
        try:
            # Names are numbers; to list them takes no descriptor of the process itself.
            number = len(os.listdir(self._directory))  # noqa: PTH208 - no path is made of any
        except OSError:
            return False
        if number >= self._limit:
            self.at_limit = max(self.at_limit, number)
        return True


class MemoryWatch(LimitWatch):
    """Looks at the private writable memory of a process.

    It is at its limit when less than :data:`SMALLEST_ROOM` is left, or than a sixteenth of a larger
    limit.  Whether it then asks for memory nobody can see.

    Args:
        pid: of the process.
        limit: bytes that it may have.
    """

    def __init__(self, pid: int, limit: int) -> None:
        self._pid = pid
        self._full = limit - max(SMALLEST_ROOM, limit // _SHARE_OF_ROOM)
        self._before: MemorySizes | None = None
        super().__init__()

    def look(self) -> bool:
        """Look now; False if the process is gone."""
        try:
            now = memory_sizes(self._pid)
        except (OSError, LookupError):
            return False
        before = self._before = self._before or now
        most = now.data
        if now.peak > before.peak:  # between two looks it may have had more
            most += now.peak - now.size
        if most >= self._full:
            self.at_limit = max(self.at_limit, most)
        return True
