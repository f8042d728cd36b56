"""The few file operations that a queue on disk needs, so that tests can stand in for the disk.

Nothing is promised about the order in which unsynced writes reach the disk, nor that they do so as
a whole. What `sync` of a file returned for stays; a name stays when `sync` of its directory
returned after it was made, renamed or removed.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from relpio.errors import ConfigurationError

__all__ = ["Directory", "File", "RealDirectory", "RealFile", "SyncJob"]


class File(Protocol):
    """An open file. Every method may raise OSError."""

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes; fewer only at the end of the file."""
        ...

    def write(self, offset: int, data: bytes) -> None:
        """Write all of `data`; after an error, any part of it may be written."""
        ...

    def truncate(self, size: int) -> None:
        """Cut the file, or lengthen it with zeros."""
        ...

    def allocate(self, size: int) -> None:
        """Make the file so long, and sure to have room for all of it."""
        ...

    def sync(self) -> None:
        """Return when all writes are on the disk. After an error, treat them as lost."""
        ...

    def size(self) -> int:
        """Length in bytes."""
        ...

    def close(self) -> None:
        """Close; nothing is synced by that."""
        ...


class Directory(Protocol):
    """A directory that belongs to one queue. Every method may raise OSError.

    Attributes:
        path: for messages.
    """

    path: str

    def sizes(self) -> dict[str, int]:
        """Names of the files, and their lengths in bytes."""
        ...

    def create(self, name: str) -> File:
        """Make a file that did not exist, for reading and writing."""
        ...

    def open(self, name: str, *, write: bool = False) -> File:
        """Open a file."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Give a file another name; a file that has it is gone then."""
        ...

    def unlink(self, name: str) -> None:
        """Remove a file."""
        ...

    def sync(self) -> None:
        """Return when all names are on the disk."""
        ...

    def close(self) -> None:
        """Give up the lock."""
        ...


class RealFile:
    """A file of the operating system."""

    def __init__(self, fd: int) -> None:
        """Take over `fd`."""
        self._fd = fd

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes; fewer only at the end of the file."""
        data = os.pread(self._fd, size, offset)
        if len(data) == size or not data:
            return data
        parts = [data]
        got = len(data)
        while got < size and (data := os.pread(self._fd, size - got, offset + got)):
            parts.append(data)
            got += len(data)
        return b"".join(parts)

    def write(self, offset: int, data: bytes) -> None:
        """Write all of `data`."""
        written = os.pwrite(self._fd, data, offset)
        if written < len(data):  # nearly full disk, or a file size limit: the next says which
            rest = memoryview(data)
            while written < len(data):
                written += os.pwrite(self._fd, rest[written:], offset + written)

    def truncate(self, size: int) -> None:
        """Cut the file, or lengthen it with zeros."""
        os.ftruncate(self._fd, size)

    def allocate(self, size: int) -> None:
        """Make the file so long, and sure to have room."""
        os.posix_fallocate(self._fd, 0, size)

    def sync(self) -> None:
        """fdatasync(2): data, and the length that is needed to find it."""
        os.fdatasync(self._fd)

    def size(self) -> int:
        """Length in bytes."""
        return os.fstat(self._fd).st_size

    def close(self) -> None:
        """Close."""
        os.close(self._fd)


class RealDirectory:
    """A directory of the operating system, locked against a second process."""

    LOCK = "lock"

    def __init__(self, path: Path, *, create: bool = True, lock: bool = True) -> None:
        """Open the directory, and make it if need be; the one above must exist.

        Raises:
            ConfigurationError: another process, or another queue of this one, uses it; or others
                could have put something there.
            OSError: it cannot be made or opened.
        """
        self.path = str(path)
        if create and not path.is_dir():
            path.mkdir(mode=0o700)
            above = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(above)
            finally:
                os.close(above)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(path, flags)
        self._lock = -1
        if create:
            try:
                self._check_private()
            except BaseException:
                self.close()
                raise
        if lock:
            try:
                self._take_lock(path)
            except BaseException:
                self.close()
                raise

    def _check_private(self) -> None:
        """Refuse what somebody else could have put here, to have it read or overwritten.

        Raises:
            ConfigurationError: a link, a foreign owner, or a directory that others can write to.
        """
        status, user = os.fstat(self._fd), os.geteuid()
        if status.st_uid != user:
            raise ConfigurationError(f"{self.path} belongs to user {status.st_uid}, not to {user}")
        if status.st_mode & 0o022:
            mode = stat.S_IMODE(status.st_mode)
            raise ConfigurationError(
                f"{self.path} can be written to by others (mode {mode:04o}); chmod it to 0700"
            )
        with os.scandir(self._fd) as entries:
            for entry in entries:
                if entry.is_symlink():
                    raise ConfigurationError(
                        f"{self.path}/{entry.name} is a symbolic link; a queue does not follow one"
                    )
                owner = entry.stat(follow_symlinks=False).st_uid
                if owner != user:
                    raise ConfigurationError(
                        f"{self.path}/{entry.name} belongs to user {owner}, not to {user}"
                    )

    def _take_lock(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._lock = os.open(self.LOCK, flags, 0o600, dir_fd=self._fd)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                f"{path} is in use by another process; every queue needs a directory of its own"
            ) from None

    def sizes(self) -> dict[str, int]:
        """Names of the files, and their lengths in bytes."""
        with os.scandir(self._fd) as entries:
            return {
                entry.name: entry.stat().st_size
                for entry in entries
                if entry.is_file(follow_symlinks=False) and entry.name != self.LOCK
            }

    def create(self, name: str) -> RealFile:
        """Make a file that did not exist."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        return RealFile(os.open(name, flags, 0o600, dir_fd=self._fd))

    def open(self, name: str, *, write: bool = False) -> RealFile:
        """Open a file."""
        flags = (os.O_RDWR if write else os.O_RDONLY) | os.O_CLOEXEC | os.O_NOFOLLOW
        return RealFile(os.open(name, flags, dir_fd=self._fd))

    def rename(self, old: str, new: str) -> None:
        """Give a file another name."""
        os.rename(old, new, src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def unlink(self, name: str) -> None:
        """Remove a file."""
        os.unlink(name, dir_fd=self._fd)

    def sync(self) -> None:
        """fsync(2) of the directory."""
        os.fsync(self._fd)

    def close(self) -> None:
        """Give up the lock."""
        for fd in (self._lock, self._fd):
            if fd >= 0:
                os.close(fd)
        self._lock = self._fd = -1


class SyncJob:
    """Files to sync. `run` may be called in any thread; all else belongs to the queue's own."""

    def __init__(self, files: Sequence[File], directory: Directory | None, through: int) -> None:
        """Sync these files, then the directory; then numbers up to `through` are safe."""
        self._files = files
        self._directory = directory
        self.through = through

    def run(self) -> None:
        """Sync.

        Raises:
            OSError: some of it failed.
        """
        for file in self._files:
            file.sync()
        if self._directory is not None:
            self._directory.sync()
