"""Moving a full or old file aside.

`out.log` becomes `out.log-20261127T081500`, by local time; a second one of that second gets `.1`.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from relpio.receiver.rotated import COMPRESSIONS, RotatedFiles

__all__ = ["Rotation", "move_aside"]

_PERIODS = {"hour": "%Y%m%d%H", "day": "%Y%m%d"}


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """When a file is moved aside. Empty files never are.

    Attributes:
        size: before it becomes larger than so many bytes; None is never. A batch of messages, up to
            a few MiB, is not divided, so a file may be larger that has no other.
        every: when the hour or day (local time) of its last message is over, and another comes.
        rotated: compresses and deletes what was moved; None leaves it as it is.
    """

    size: int | None = None
    every: Literal["hour", "day"] | None = None
    rotated: RotatedFiles | None = None

    def due(self, fd: int, more: int, now: float) -> bool:
        """Tell whether a file is to be moved before `more` bytes are added, at Unix time `now`."""
        status = os.fstat(fd)
        if not status.st_size or not stat.S_ISREG(status.st_mode):
            return False
        if self.size is not None and status.st_size + more > self.size:
            return True
        if self.every is None:
            return False
        form = _PERIODS[self.every]
        before = time.strftime(form, time.localtime(status.st_mtime))
        return before != time.strftime(form, time.localtime(now))


def move_aside(path: Path, now: float) -> Path:
    """Rename a file; return its new path, which no other file had.

    Raises:
        OSError: it cannot be renamed.
    """
    stamp = time.strftime("%Y%m%dT%H%M%S", time.localtime(now))
    number = 0
    while True:
        new = path.with_name(f"{path.name}-{stamp}" + (f".{number}" if number else ""))
        taken = [new, *(new.with_name(new.name + suffix) for suffix, _ in COMPRESSIONS.values())]
        if not any(map(os.path.lexists, taken)):
            path.rename(new)
            return new
        number += 1
