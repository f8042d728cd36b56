"""Metrics about the process itself, under the names that Prometheus clients share."""

from __future__ import annotations

import errno
import os
import resource
import time
from pathlib import Path

from relpio.metrics.registry import Registry

__all__ = ["fd_limit", "open_fds", "register_process"]

_OWN_FDS = Path("/proc/self/fd")
_STATM = Path("/proc/self/statm")


def register_process(registry: Registry) -> None:
    """Register file descriptors, memory, processor time and start of this process."""
    started = time.time()
    registry.gauge("process_open_fds", "File descriptors in use.", open_fds)
    registry.gauge("process_max_fds", "File descriptors that the process may use.", fd_limit)
    registry.gauge("process_resident_memory_bytes", "Memory in use (RSS).", _resident)
    registry.counter("process_cpu_seconds_total", "Processor time used.", time.process_time)
    registry.gauge("process_start_time_seconds", "Unix time of the start.", lambda: started)


def open_fds() -> int:
    """File descriptors in use; the limit, when none is left to count them with."""
    try:
        return len(os.listdir(_OWN_FDS)) - 1  # noqa: PTH208 - one of them is for the listing
    except OSError as error:
        return fd_limit() if error.errno in (errno.EMFILE, errno.ENFILE) else 0


def fd_limit() -> int:
    """The soft limit of file descriptors (RLIMIT_NOFILE)."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _resident() -> int:
    try:
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    except OSError:  # no descriptor left, or no /proc
        return 0
