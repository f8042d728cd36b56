"""A process and its descendants, as the kernel names them (proc_pid_task(5), `children`)."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from functools import cache
from pathlib import Path

from halfopen.probes.procfs import process_times, read_text


def family(pid: int) -> list[int]:
    """A process and all its descendants, itself first; empty if it is gone.

    A kernel without CONFIG_PROC_CHILDREN does not name children: then all processes are searched,
    which takes milliseconds instead of microseconds.
    """
    try:
        tasks = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - names only
    except OSError:
        return []
    if not _children_are_named():
        return _searched(pid)
    children = _children(pid, tasks)
    for child in children:  # it grows meanwhile
        with contextlib.suppress(OSError):  # it has just ended
            children += _children(child, os.listdir(f"/proc/{child}/task"))  # noqa: PTH208
    return [pid, *children]


@cache
def _children_are_named() -> bool:
    return Path("/proc/thread-self/children").exists()


def _children(pid: int, tasks: list[str]) -> list[int]:
    found: list[int] = []
    for task in tasks:
        with contextlib.suppress(OSError):  # it has just ended
            found += map(int, read_text(f"/proc/{pid}/task/{task}/children").split())
    return found


def _searched(pid: int) -> list[int]:
    children = defaultdict(list)
    for name in os.listdir("/proc"):  # noqa: PTH208 - names only
        if name.isdigit():
            with contextlib.suppress(OSError):
                children[process_times(int(name)).parent].append(int(name))
    found = [pid]
    for member in found:  # it grows meanwhile
        found += children[member]
    return found
