"""What can be done to the disk on which the programs of a host have their files."""

from __future__ import annotations

from dataclasses import dataclass

from halfopen.verbs.base import Verb


@dataclass(frozen=True)
class FillDisk(Verb):
    """The disk of `host` takes no more: writes fail with ENOSPC.

    Attributes:
        host: whose.
        free: bytes that it still takes, in whole pages; None: as many as before it was filled.
    """

    host: str
    free: int | None


@dataclass(frozen=True)
class SlowDisk(Verb):
    """Every change and every sync on the disk of `host` takes longer.

    Attributes:
        host: whose.
        by: real seconds; 0 for as fast as it is.
    """

    host: str
    by: float


@dataclass(frozen=True)
class SetDiskReadOnly(Verb):
    """The disk of `host` takes no changes (EROFS), not even in files that are open, or does again.

    So does ext4 when it finds an error (`errors=remount-ro`, ext4(5)).
    """

    host: str
    read_only: bool


@dataclass(frozen=True)
class TruncateFile(Verb):
    """The end of a file on the disk of `host` is cut off; its program must have ended.

    Attributes:
        host: whose disk.
        file: pattern below the disk (pathlib's, `**/` for any depth); of several files, the last
            by name that is not empty.
        octets: that are cut off.
    """

    host: str
    file: str
    missing: int
