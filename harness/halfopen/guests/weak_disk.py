"""A directory that passes everything on to what lies beneath it, slower, or without writing.

A passthrough file system through FUSE (Linux, Documentation/filesystems/fuse.rst), mounted over a
directory in a mount namespace of its own; the programs of the host are started in that namespace,
everybody else sees the directory as it is.  Unlike a remount, it can say EROFS to a file that is
already open for writing, as ext4 does after an error (`errors=remount-ro`, ext4(5)), and unlike
`LD_PRELOAD` it holds for every program.

    python -m halfopen.guests.weak_disk DIRECTORY

says `{"event": "mounted"}` on standard output, then reads orders from standard input, one a line,
and answers each with `{"event": "done"}`: `delay SECONDS`, `writable yes`, `writable no`.  `count
delayed` and `count refused` are answered with the `calls` that were so since the last change of
that kind.  It ends with its standard input.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, NoReturn, TypeVar

import mfusepy

F = TypeVar("F", bound=Callable[..., Any])
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_CREAT


def _changes(method: F) -> F:
    """Mark an operation that changes something: it is delayed, and refused while read-only."""

    @wraps(method)
    def weakened(self: WeakDisk, *arguments: Any) -> Any:
        self.before_a_change()
        return method(self, *arguments)

    return weakened  # type: ignore[return-value]


class WeakDisk(mfusepy.Operations):  # type: ignore[misc]
    """The file system.

    Args:
        beneath: an open directory, in which everything really is.

    Attributes:
        delay: seconds by which each change, and each sync, takes longer.
        writable: False: every change is refused with EROFS.
        calls: how many were `delayed`, and how many `refused`.
    """

    use_ns = True

    def __init__(self, beneath: int) -> None:
        self._beneath = beneath
        self.delay = 0.0
        self.writable = True
        self.calls = Counter[str]()

    def before_a_change(self) -> None:
        """Wait as long as the disk takes; raises EROFS if it takes nothing."""
        if not self.writable:
            self._refuse()
        self._wait()

    def _wait(self) -> None:
        if self.delay:
            self.calls["delayed"] += 1
            time.sleep(self.delay)

    def _refuse(self) -> NoReturn:
        self.calls["refused"] += 1
        raise mfusepy.FuseOSError(errno.EROFS)

    def _real(self, path: str) -> str:
        return f"/proc/self/fd/{self._beneath}{path}"

    def init(self, path: str) -> None:
        """The kernel has mounted it: from now on orders are taken."""
        threading.Thread(target=_serve, args=(self,), daemon=True).start()

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        """Status of a file (stat(2)), its times in nanoseconds."""
        status = os.lstat(self._real(path)) if fh is None else os.fstat(fh)
        names = ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size", "st_blocks")
        times = ("st_atime", "st_mtime", "st_ctime")
        return {name: getattr(status, name) for name in names} | {
            name: getattr(status, f"{name}_ns") for name in times
        }

    def access(self, path: str, amode: int) -> int:
        """See access(2); nothing may be written while read-only."""
        if amode & os.W_OK and not self.writable:
            self._refuse()
        if not os.access(self._real(path), amode):
            raise mfusepy.FuseOSError(errno.EACCES)
        return 0

    def readdir(self, path: str, fh: int) -> Iterable[str]:
        """Names in a directory."""
        return [".", "..", *os.listdir(self._real(path))]

    def readlink(self, path: str) -> str:
        """Where a symbolic link leads."""
        return os.readlink(self._real(path))

    def statfs(self, path: str) -> dict[str, Any]:
        """See statvfs(3) of what lies beneath."""
        found = os.statvfs(self._real(path))
        return {name: getattr(found, name) for name in dir(found) if name.startswith("f_")}

    def open(self, path: str, flags: int) -> int:
        """Open a file that is there."""
        if flags & _WRITING and not self.writable:
            self._refuse()
        # The kernel hands each write its offset; O_APPEND here would send it to the end again.
        return os.open(self._real(path), flags & ~(os.O_APPEND | os.O_NOFOLLOW))

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """See pread(2)."""
        return os.pread(fh, size, offset)

    def release(self, path: str, fh: int) -> int:
        """The last descriptor of an open file is closed."""
        os.close(fh)
        return 0

    def flush(self, path: str, fh: int) -> int:
        """One of them is closed."""
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        """See fsync(2) or fdatasync(2); it takes its time, but does not fail."""
        self._wait()
        os.fdatasync(fh) if datasync else os.fsync(fh)
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        """The same for a directory."""
        self._wait()
        return 0

    @_changes
    def create(self, path: str, mode: int, fi: Any = None) -> int:
        """Make a file and open it."""
        return os.open(self._real(path), os.O_RDWR | os.O_CREAT | os.O_TRUNC, mode)

    @_changes
    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        """See pwrite(2)."""
        return os.pwrite(fh, data, offset)

    @_changes
    def truncate(self, path: str, length: int, fh: int | None = None) -> None:
        """Set the length of a file."""
        os.truncate(self._real(path) if fh is None else fh, length)

    @_changes
    def unlink(self, path: str) -> None:
        """Remove a file."""
        os.unlink(self._real(path))

    @_changes
    def rename(self, old: str, new: str) -> None:
        """See rename(2)."""
        os.rename(self._real(old), self._real(new))

    @_changes
    def link(self, target: str, source: str) -> None:
        """See link(2)."""
        os.link(self._real(source), self._real(target))

    @_changes
    def symlink(self, target: str, source: str) -> None:
        """See symlink(2)."""
        os.symlink(source, self._real(target))

    @_changes
    def mkdir(self, path: str, mode: int) -> None:
        """See mkdir(2)."""
        os.mkdir(self._real(path), mode)

    @_changes
    def rmdir(self, path: str) -> None:
        """See rmdir(2)."""
        os.rmdir(self._real(path))

    @_changes
    def mknod(self, path: str, mode: int, dev: int) -> None:
        """See mknod(2)."""
        os.mknod(self._real(path), mode, dev)

    @_changes
    def chmod(self, path: str, mode: int) -> None:
        """See chmod(2)."""
        os.chmod(self._real(path), mode)

    @_changes
    def chown(self, path: str, uid: int, gid: int) -> None:
        """See chown(2)."""
        os.chown(self._real(path), uid, gid)

    @_changes
    def utimens(self, path: str, times: tuple[int, int] | None = None) -> None:
        """See utimensat(2), in nanoseconds; None: now."""
        if times is None:
            os.utime(self._real(path))
        else:
            os.utime(self._real(path), ns=times)


def _serve(disk: WeakDisk) -> None:
    """Do orders until there are no more; the process ends with them."""
    _say("mounted")
    for line in sys.stdin:
        order, value = line.split()
        if order == "count":
            _say("done", calls=disk.calls[value])
            continue
        if order == "delay":
            disk.delay = float(value)
            disk.calls["delayed"] = 0
        elif order == "writable":
            disk.writable = value == "yes"
            disk.calls["refused"] = 0
        _say("done")
    os._exit(0)  # the mount goes with the mount namespace


def _say(event: str, **more: int) -> None:
    print(json.dumps({"event": event, **more}), flush=True)  # noqa: T201 - its only way to answer


def main() -> None:
    """Mount over the directory that is named, and serve until standard input ends."""
    directory = sys.argv[1]
    disk = WeakDisk(os.open(directory, os.O_PATH | os.O_DIRECTORY))
    # Nothing is kept in the kernel: whoever looks from outside writes beneath us.
    kept = {"attr_timeout": 0, "entry_timeout": 0, "negative_timeout": 0}
    mfusepy.FUSE(disk, directory, foreground=True, fsname="halfopen", **kept)


if __name__ == "__main__":
    main()
