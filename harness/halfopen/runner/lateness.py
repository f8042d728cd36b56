"""How late the machine has made a run, and waits that last longer by as much.

A deadline for what programs do is right on a machine that has time for them.  On a busy one they
get less done in a second, so a deadline is put off by the time that was lost since the wait began:
by the sandbox and by waiting for disks, as its meter says, and by processes that waited for a CPU,
as their samples say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from halfopen.model.records import Record

T = TypeVar("T")

MOST = 3.0
"""A wait is put off by this many times its own length at most: no machine is waited for forever."""


class Lateness:
    """Lab seconds that were lost so far, from the records of a run.

    Attributes:
        lost: by the sandbox itself, and by the programs that waited for a CPU or a disk.
    """

    def __init__(self) -> None:
        self.lost = 0.0
        self._waited: dict[tuple[str, int], float] = {}

    def take(self, record: Record) -> None:
        """Count what a record says; most say nothing."""
        match record["kind"]:
            case "machine":
                self.lost += record["late_s"] + record.get("io_s", 0.0)
            case "fds" if (waited := record.get("waited_s")) is not None:
                process = record["host"], record["pid"]
                # A thread that ended took its share of the sum with it.
                self.lost += max(0.0, waited - self._waited.get(process, 0.0))
                self._waited[process] = waited

    async def within(self, seconds: float, awaited: Awaitable[T]) -> T:
        """What `awaited` returns, if it does within `seconds` of a machine that has time.

        Raises:
            TimeoutError: if it does not; it is cancelled.
        """
        clock = asyncio.get_running_loop().time  # the lab's, which may be virtual
        begun, before = clock(), self.lost
        work = asyncio.ensure_future(awaited)
        try:
            while True:
                allowed = seconds + min(self.lost - before, MOST * seconds)
                left = begun + allowed - clock()
                if left <= 0 and not work.done():
                    raise TimeoutError
                if (await asyncio.wait({work}, timeout=max(0.0, left)))[0]:
                    return work.result()
        finally:
            work.cancel()
