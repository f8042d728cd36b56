"""Time on processors: who waited for one, and how many had nothing to do.

Sources: proc_pid_schedstat (Documentation/scheduler/sched-stats.rst), pressure stall information
(Documentation/accounting/psi.rst), proc_stat(5).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from halfopen.probes.procfs import idle_seconds, read_text


@cache
def _waits_are_told() -> bool:
    return Path("/proc/self/schedstat").exists()


def waited(pid: int) -> float | None:
    """Seconds that the threads of a process, as they are now, could run and were not run.

    None if the process is gone, or the kernel was built without CONFIG_SCHED_INFO.
    """
    if not _waits_are_told():
        return None
    total = 0
    try:
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - names only
            total += int(read_text(f"/proc/{pid}/task/{task}/schedstat").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return total / 1e9


def stalled() -> float | None:
    """Seconds since the start of the machine in which something waited for a processor.

    None if the kernel does not tell (CONFIG_PSI).
    """
    try:
        some = read_text("/proc/pressure/cpu").splitlines()[0]
        return int(some.rpartition("total=")[2]) / 1e6
    except (OSError, ValueError, IndexError):
        return None


@dataclass(frozen=True)
class Spare:
    """What the processors had left in a stretch of time.

    Attributes:
        idle: processors without work, on average.
        stalled: part of the time in which something waited for one; None if nobody knows.
    """

    idle: float
    stalled: float | None


class SpareMeter:
    """Measures from each reading to the next."""

    def __init__(self) -> None:
        self._before = self._now()

    def read(self) -> Spare:
        """What was left since the last reading."""
        before, after = self._before, self._now()
        self._before = after
        elapsed = max(1e-6, after[0] - before[0])
        waiting = None
        if after[2] is not None and before[2] is not None:
            waiting = min(1.0, (after[2] - before[2]) / elapsed)
        return Spare(max(0.0, after[1] - before[1]) / elapsed, waiting)

    def _now(self) -> tuple[float, float, float | None]:
        return time.monotonic(), idle_seconds(), stalled()
