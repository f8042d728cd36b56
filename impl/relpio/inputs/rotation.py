"""Finds what became of a file that was rotated: renamed, or copied and truncated."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from relpio.inputs.position import FilePosition

__all__ = ["find", "is_rotated", "open_file", "rotated_since"]

_SHORTEST_HEAD = 32
"""Bytes that must agree before a file with another inode counts as the copy of one."""

_ROTATED = r"[.-][0-9][0-9.:T_-]*"
"""What logrotate and its kin put into a name: `.1`, `-20261121`, `.2026-11-21`."""


def open_file(path: Path) -> int:
    """Open a regular file for reading.

    Raises:
        OSError: there is none, or it is of another kind.
    """
    # O_NONBLOCK, because opening a named pipe would wait for its writer.
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(f"{path} is not a regular file")
    return fd


def find(path: Path, position: FilePosition, *, but_not: set[tuple[int, int]]) -> int | None:
    """Open the file beside `path` that has the contents of `position`; None if there is none.

    The file with its inode is preferred; failing that, a rotated one that begins with the same
    bytes, as `copytruncate` makes it.
    """
    by_inode = [
        entry for entry in _beside(path) if _identity(entry) == (position.device, position.inode)
    ]
    by_contents = _rotated(path) if position.head >= _SHORTEST_HEAD else ()
    for entry in (*by_inode, *by_contents):
        if _identity(entry) in but_not:
            continue
        try:
            fd = open_file(entry)
        except OSError:
            continue
        if position.is_in(fd):
            return fd
        os.close(fd)
    return None


def rotated_since(
    path: Path, since: int, *, but_not: set[tuple[int, int]], until: int | None = None
) -> list[int]:
    """Open the rotated files of `path` that were written last from `since` to `until` (ns).

    The oldest is the first.
    """
    found = []
    for entry in _rotated(path):
        try:
            status = entry.stat()
            if status.st_mtime_ns < since or (status.st_dev, status.st_ino) in but_not:
                continue
            if until is not None and status.st_mtime_ns > until:
                continue
            found.append((status.st_mtime_ns, str(entry), open_file(entry)))
        except OSError:
            continue
    return [fd for _, _, fd in sorted(found)]


def is_rotated(name: str, path: Path) -> bool:
    """Whether a file beside `path` has a name that rotation gives to what was there."""
    return _names(path).fullmatch(name) is not None


def _rotated(path: Path) -> Iterator[Path]:
    names = _names(path)
    return (entry for entry in _beside(path) if names.fullmatch(entry.name))


def _names(path: Path) -> re.Pattern[str]:
    stem, suffix = re.escape(path.stem), re.escape(path.suffix)
    return re.compile(f"{re.escape(path.name)}{_ROTATED}|{stem}{_ROTATED}{suffix}")


def _beside(path: Path) -> list[Path]:
    try:
        return sorted(path.parent.iterdir())
    except OSError:
        return []


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
