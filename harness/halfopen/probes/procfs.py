"""Files of /proc, read with as few system calls as can be.

Probes read dozens of them, several times a second, and in a guest of the warp lab each call costs
ten times what it costs elsewhere: open, read and close instead of the nine of `Path.read_text`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

_PIECE = 1 << 16
_TICKS = os.sysconf("SC_CLK_TCK")


def read_text(path: str) -> str:
    """What a file holds.

    Raises:
        OSError: if it is not there, or not ours to read.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = []
        while piece := os.read(fd, _PIECE):
            pieces.append(piece)
    finally:
        os.close(fd)
    return b"".join(pieces).decode(errors="replace")


@dataclass(frozen=True)
class ProcessTimes:
    """What the kernel says of a process.

    Attributes:
        state: a letter; Z is a zombie, T is stopped.
        parent: its process id.
        cpu_s: seconds on a processor so far, without those of its children.
    """

    state: str
    parent: int
    cpu_s: float


def process_times(pid: int) -> ProcessTimes:
    """State and times of a process, proc_pid_stat(5).

    Raises:
        OSError: if it is gone.
    """
    # The command, in parentheses, may hold anything.
    fields = read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return ProcessTimes(fields[0], int(fields[1]), (int(fields[11]) + int(fields[12])) / _TICKS)


@dataclass(frozen=True)
class MemorySizes:
    """Sizes of a process's address space, in bytes.

    Attributes:
        data: private writable memory, what RLIMIT_DATA counts.
        size: all of it.
        peak: the largest that `size` ever was.
    """

    data: int
    size: int
    peak: int


def memory_sizes(pid: int) -> MemorySizes:
    """How much memory a process has, VmData, VmSize and VmPeak of proc_pid_status(5).

    Raises:
        OSError: if it is gone.
        LookupError: if it is ending, and has no memory any more.
    """
    status = dict(
        line.split(":", 1) for line in read_text(f"/proc/{pid}/status").splitlines() if ":" in line
    )
    return MemorySizes(
        *(int(status[name].split()[0]) * 1024 for name in ("VmData", "VmSize", "VmPeak"))
    )


def idle_seconds() -> float:
    """Seconds that all processors together had nothing to do, or waited for I/O; proc_stat(5)."""
    _, _, _, _, idle, waiting, *_ = read_text("/proc/stat").split(maxsplit=7)
    return (int(idle) + int(waiting)) / _TICKS
