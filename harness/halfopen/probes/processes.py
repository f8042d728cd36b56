"""A process and its descendants, as the kernel names them (proc_pid_task(5), `children`)."""

from __future__ import annotations

from pathlib import Path

import psutil

_PROC = Path("/proc")


def family(pid: int) -> list[int]:
    """A process and all its descendants, itself first; empty if it is gone.

    A kernel without CONFIG_PROC_CHILDREN does not name children: then all processes are searched,
    which takes milliseconds instead of microseconds.
    """
    if not (_PROC / str(pid)).exists():
        return []
    if not (_PROC / f"self/task/{_own_thread()}/children").exists():
        return _searched(pid)
    found = [pid]
    for member in found:  # it grows meanwhile
        found += _children(member)
    return found


def _own_thread() -> str:
    return (_PROC / "thread-self").readlink().name


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in (_PROC / str(pid) / "task").iterdir():
            found += map(int, (task / "children").read_text().split())
    except OSError:
        pass  # it has just ended
    return found


def _searched(pid: int) -> list[int]:
    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return []
