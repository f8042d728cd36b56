"""Whether a program has come to its limit of file descriptors.

The kernel does not report that accept(2) or open(2) failed with EMFILE.  But a program that gets it
has as many descriptors open as it may, and looks are cheap.
"""

from __future__ import annotations

import asyncio
import os

_LOOK_S = 0.05


class DescriptorWatch:
    """Looks at the descriptors of a process, until it is stopped or the process ends.

    Args:
        pid: of the process.
        limit: how many it may have open.

    Attributes:
        at_limit: the most that were open when no more could be; 0 if there always could.
    """

    def __init__(self, pid: int, limit: int) -> None:
        self.at_limit = 0
        self._directory = f"/proc/{pid}/fd"
        self._limit = limit
        self._task = asyncio.create_task(self._go_on())

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

    def stop(self) -> None:
        """Look no more."""
        self._task.cancel()

    async def _go_on(self) -> None:
        while self.look():  # noqa: ASYNC110 - the kernel does not report it
            await asyncio.sleep(_LOOK_S)
