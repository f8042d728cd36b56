"""One processor of the host for each guest.

A guest computes in turns: its kernel is one process, each of its processes another, and only one
of them has work at a time.  Left to itself, the host wakes them on different processors by turns,
and each system call and page fault in the guest waits for a sleeping processor: 50 us instead of 8
(two processors of a virtual machine).
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import Counter
from collections.abc import Collection
from pathlib import Path

_PROCESSOR = 36
"""Index in proc_pid_stat(5) after the command: the processor it last ran on."""


class Processors:
    """Which guest of this process has which processor."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[int] = Counter()

    def choose(self, there: Collection[int], runs_on: int | None) -> int:
        """The processor with the fewest guests; of several, where the host put the process."""
        with self._lock:
            best = min(there, key=lambda each: (self._taken[each], each != runs_on, each))
            self._taken[best] += 1
        return best

    def give_back(self, processor: int) -> None:
        """A guest that had it has ended."""
        with self._lock:
            self._taken[processor] -= 1


PROCESSORS = Processors()


def pin(pid: int) -> int:
    """Keep a process, and all that it will start, on one processor: which."""
    runs_on = None
    with contextlib.suppress(OSError, IndexError):
        after_command = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        runs_on = int(after_command[_PROCESSOR])
    chosen = PROCESSORS.choose(os.sched_getaffinity(0), runs_on)
    with contextlib.suppress(OSError):  # it has ended, or may not be told: it is slower then
        os.sched_setaffinity(pid, {chosen})
    return chosen


def unpin(processor: int) -> None:
    """The process that was given it has ended."""
    PROCESSORS.give_back(processor)
