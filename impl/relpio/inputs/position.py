"""A position in a file that survives renaming, and tells a file from another with its inode."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass, replace

__all__ = ["HEAD", "FilePosition"]

HEAD = 1024
"""Bytes at the start of a file that stand for its contents."""


@dataclass(frozen=True)
class FilePosition:
    """Where reading goes on.

    A device and inode name a file as long as it exists; then the file system may give them to
    another, and `copytruncate` puts other contents into the same one. So the checksum of the first
    bytes, `HEAD` at most and as many as there were, belongs to it.
    """

    device: int
    inode: int
    offset: int = 0
    head: int = 0
    crc: int = 0

    def at(self, offset: int) -> FilePosition:
        """Return the same file at another offset."""
        return replace(self, offset=offset)

    def is_in(self, fd: int) -> bool:
        """Whether this position can be in the open file, by its contents alone."""
        if os.fstat(fd).st_size < max(self.offset, self.head):
            return False
        return zlib.crc32(os.pread(fd, self.head, 0)) == self.crc
