"""Patterns of followed files: which of the files that match are to be read."""

from __future__ import annotations

import glob
import stat
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from relpio.inputs.rotation import is_rotated

__all__ = ["is_pattern", "matching", "named_by"]

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


def is_pattern(path: Path) -> bool:
    """Whether a path is a pattern: it contains `*`, `?` or `[`."""
    return glob.has_magic(str(path))


def matching(
    pattern: Path, known: Collection[Path], held: Collection[tuple[int, int]]
) -> list[Path]:
    """Return the files that match and are not read yet, as absolute paths, sorted by name.

    Left out are what rotation made of another file that matches or is known (`app.log.1` beside
    `app.log`): whoever reads that file finds them by itself; compressed files; anything that is not
    a regular file; and other names of the files `held` (device and inode).
    """
    names = glob.glob(str(pattern))  # noqa: PTH207 - Path.glob takes no absolute pattern
    found = sorted(Path(name).absolute() for name in names)
    live = {*known, *found}
    new, held = [], set(held)
    for path in found:
        if path in known or path.suffix in _COMPRESSED or _made_by_rotation(path, live):
            continue
        try:
            status = path.stat()
        except OSError:
            continue
        identity = (status.st_dev, status.st_ino)
        if stat.S_ISREG(status.st_mode) and identity not in held:
            held.add(identity)
            new.append(path)
    return new


def named_by(pattern: Path, names: Iterable[str]) -> list[Path]:
    """Return those of some absolute names that a pattern can stand for, there or not."""
    whole = str(pattern.absolute())
    return [Path(name) for name in names if fnmatchcase(name, whole)]


def _made_by_rotation(path: Path, live: Iterable[Path]) -> bool:
    return any(
        other != path and other.parent == path.parent and is_rotated(path.name, other)
        for other in live
    )
