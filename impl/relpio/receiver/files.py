"""Opening a file of received messages: who may have made it, and what a crash left at its end."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from relpio.logs import Log
from relpio.receiver.rotation import Rotation

__all__ = ["WHOLE", "FileKind", "WholePart", "open_append", "whole_lines", "whole_records"]

WholePart = Callable[[int, int], int]
"""Takes a descriptor and the length of its file; returns how much of that is whole records."""

_CHUNK = 1024 * 1024
_RECORD = re.compile(rb"(\d{1,9}) ")


def whole_lines(fd: int, size: int) -> int:
    """Return where the last line ends; `size` if no line ends at all: who knows what that is."""
    end = size
    while end:
        begin = max(0, end - _CHUNK)
        found = os.pread(fd, end - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return size


def whole_records(fd: int, size: int) -> int:
    """Return where the last octet-counted record ends, or what is no record begins.

    Only from the start of the file is that certain, since a message may look like records. It
    takes some seconds for each GiB.
    """
    at = begin = 0
    data = b""
    while at < size:
        match = _RECORD.match(data, at - begin)
        if match is None and at + 10 > begin + len(data) < size:
            begin, data = at, os.pread(fd, _CHUNK, at)
            match = _RECORD.match(data)
        if match is None:
            return at
        end = begin + match.end() + int(match[1])
        if end > size:
            return at
        at = end
        if at >= begin + len(data):
            begin, data = at, os.pread(fd, _CHUNK, at)
    return at


WHOLE: dict[str, WholePart] = {
    "line": whole_lines,
    "octet-counted": whole_records,
    "json": whole_lines,
}
"""By the name of the format."""


@dataclass(frozen=True, kw_only=True)
class FileKind:
    """How files of messages are opened.

    Attributes:
        whole: knows their records.
        synced: the name of a new file, and of a new directory, is on the disk before it is used.
        mode: permissions of a new file, whatever the umask; None is 0640 less the umask.
        directory_mode: the same of directories, which are made if need be; None makes none.
        rotation: when a file is moved aside; None is never.
    """

    whole: WholePart = whole_lines
    synced: bool = False
    mode: int | None = None
    directory_mode: int | None = None
    rotation: Rotation | None = None

    def open(self, path: Path, log: Log) -> int:
        """Open a file to append to.

        Raises:
            OSError: as `open_append`, or a directory cannot be made.
        """
        if self.directory_mode is not None:
            _make_directory(path.parent, self.directory_mode, synced=self.synced)
        return open_append(path, log, whole=self.whole, synced=self.synced, mode=self.mode)


def open_append(
    path: Path,
    log: Log,
    *,
    whole: WholePart = whole_lines,
    synced: bool = False,
    mode: int | None = None,
) -> int:
    """Open a file to append to, and make it if need be; with `synced`, its name is on the disk.

    What the last writer left unfinished at the end is cut off: nobody was told that it was written.
    A new file gets the permissions `mode`, whatever the umask.

    Raises:
        OSError: it cannot be opened, is a symbolic link, or somebody else may have put it there.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    if path.parent != Path("/dev"):  # /dev/stdout is a link
        flags |= os.O_NOFOLLOW
    try:
        fd = _open(path, flags, mode)
    except OSError as error:
        if error.errno == errno.ELOOP:
            text = "a symbolic link is not followed; give the path of the file itself"
            raise OSError(errno.ELOOP, text, str(path)) from None
        raise
    try:
        status = os.fstat(fd)
        if stat.S_ISREG(status.st_mode):
            _check_owner(path, status)
            _cut_torn(fd, path, status.st_size, whole, log)
        if synced:
            _sync_directory(path.parent)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _open(path: Path, flags: int, mode: int | None) -> int:
    if mode is None:
        return os.open(path, flags, 0o640)
    try:
        fd = os.open(path, flags | os.O_EXCL, mode)
    except FileExistsError:
        return os.open(path, flags, mode)
    os.fchmod(fd, mode)
    return fd


def _make_directory(path: Path, mode: int, *, synced: bool) -> None:
    if path.is_dir():
        return
    _make_directory(path.parent, mode, synced=synced)
    try:
        path.mkdir(mode)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    path.chmod(mode)
    if synced:
        _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _check_owner(path: Path, status: os.stat_result) -> None:
    """Refuse a file that somebody else has put where everybody can (proc(5), protected_regular)."""
    open_to_all = path.parent.stat().st_mode & stat.S_IWOTH
    if open_to_all and status.st_uid not in (0, os.geteuid()):
        text = f"the file belongs to user {status.st_uid}, in a directory that anybody can write to"
        raise OSError(errno.EPERM, text, str(path))


def _cut_torn(fd: int, path: Path, size: int, whole: WholePart, log: Log) -> None:
    if not size:
        return
    reader = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        good = whole(reader, size)
        unended = whole is whole_lines and good == size and os.pread(reader, 1, size - 1) != b"\n"
    finally:
        os.close(reader)
    if unended:
        os.write(fd, b"\n")
        log(
            "output-torn",
            path=str(path),
            cut=0,
            detail="the last line had no line feed; one was added",
        )
    elif good < size:
        os.ftruncate(fd, good)
        detail = "an unfinished record at the end was cut off"
        log("output-torn", path=str(path), cut=size - good, detail=detail)
