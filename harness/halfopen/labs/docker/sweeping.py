"""Ends the processes of a run whose caller is gone, those too that nobody has told the helper of.

A caller that is killed right after it asked the engine to start a container has told nobody of it.
So every container of a run carries the run's id in its environment, and the helper, which sees the
processes of the engine's host, looks for it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

VARIABLE = "HALFOPEN_RUN"

# What the engine was asked to start may come up later; it is given this long on a busy machine.
_QUIET_S = 10.0
_LOOK_S = 0.25


def processes_of(run: str, proc: Path = Path("/proc")) -> list[int]:
    """Pids of the processes with that run's id in their environment, without our own.

    The first process of a container has it, and when that dies, the kernel kills the others.
    """
    mark = f"{VARIABLE}={run}".encode()
    found = []
    for directory in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if mark in (directory / "environ").read_bytes().split(b"\0"):
                found.append(int(directory.name))
    return [pid for pid in found if pid != os.getpid()]


def sweep(run: str, quiet_s: float = _QUIET_S) -> None:
    """Kill the processes of a run until none has been there for `quiet_s` seconds."""
    seen = time.monotonic()
    while time.monotonic() - seen < quiet_s:
        for pid in processes_of(run):
            seen = time.monotonic()
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK_S)
