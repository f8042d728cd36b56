"""What a machine was short of: who waited for a processor or a disk, and how many were idle.

Sources: proc_pid_schedstat (Documentation/scheduler/sched-stats.rst), pressure stall information
(Documentation/accounting/psi.rst, kernel/sched/psi.c), proc_stat(5).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

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


def stalled(resource: Literal["cpu", "io"]) -> float | None:
    """Seconds since the start of the machine in which something waited for a processor or a disk.

    It is the share of tasks that waited: one of two that could work counts half (`psi.c`).  None if
    the kernel does not tell (CONFIG_PSI).
    """
    try:
        some = read_text(f"/proc/pressure/{resource}").splitlines()[0]
        return int(some.rpartition("total=")[2]) / 1e6
    except (OSError, ValueError, IndexError):
        return None


@dataclass(frozen=True)
class Spare:
    """What the processors had left in a stretch of time.

    Attributes:
        idle: processors without work, on average.
        stalled: part of the time in which something waited for one; None if nobody knows.
        io_s: seconds for which a task waited for a disk, at most; None if nobody knows.
    """

    idle: float
    stalled: float | None
    io_s: float | None


class _Reading(NamedTuple):
    at: float
    idle: float
    cpu: float | None
    io: float | None


class SpareMeter:
    """Measures from each reading to the next."""

    def __init__(self) -> None:
        self._before = self._now()

    def read(self) -> Spare:
        """What was left since the last reading."""
        before, after = self._before, self._now()
        self._before = after
        elapsed = max(1e-6, after.at - before.at)
        idle = max(0.0, after.idle - before.idle) / elapsed
        waiting = io_s = None
        if after.cpu is not None and before.cpu is not None:
            waiting = min(1.0, (after.cpu - before.cpu) / elapsed)
        if after.io is not None and before.io is not None:
            # Who worked meanwhile has made the share of the one that waited smaller.
            cpus = os.cpu_count() or 1
            working = min(cpus, 1 + max(0.0, cpus - idle))
            io_s = min(elapsed, (after.io - before.io) * working)
        return Spare(idle, waiting, io_s)

    def _now(self) -> _Reading:
        return _Reading(time.monotonic(), idle_seconds(), stalled("cpu"), stalled("io"))
