"""A disk of a few megabytes that a test can fill."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

PAGE = 4096
"""What a file of a tmpfs grows by."""


class SmallDisk:
    """A tmpfs. `path` leads to it from anywhere, though it is mounted for one process alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self, left: int) -> None:
        """Take all room but about `left` bytes."""
        with self._filler.open("ab") as filler:
            while True:
                room = self.free()
                try:
                    os.posix_fallocate(filler.fileno(), filler.tell(), max(room, PAGE))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    # Others write, too: what was free a moment ago need not be.
                    if not room:
                        break
                filler.seek(0, os.SEEK_END)
            os.ftruncate(filler.fileno(), max(0, filler.tell() - left))

    def heal(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)

    def free(self) -> int:
        """Bytes that are left."""
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize


@contextlib.contextmanager
def small_disk(directory: Path, size: str) -> Iterator[SmallDisk]:
    """Mount a tmpfs of this size in a mount namespace of its own; it ends with the test."""
    place = directory / f"disk-{size}"
    place.mkdir()
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    mount = 'mount -t tmpfs -o "size=$1" disk "$2" && echo mounted && exec cat'
    with subprocess.Popen(
        ["unshare", *user, "--mount", "sh", "-c", mount, "sh", size, str(place)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as holder:  # fmt: skip
        assert holder.stdin is not None and holder.stdout is not None
        try:
            assert holder.stdout.readline() == b"mounted\n"
            yield SmallDisk(Path(f"/proc/{holder.pid}/root{place}"))
        finally:
            holder.stdin.close()
