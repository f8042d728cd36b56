"""One open file that grows: reads whole lines from a position on."""

from __future__ import annotations

import os
import zlib
from typing import NamedTuple

from relpio.inputs.framing import pieces
from relpio.inputs.position import HEAD, FilePosition
from relpio.inputs.records import RecordRule
from relpio.loops import split_lines

__all__ = ["Batch", "Tail"]

CHUNK = 128 * 1024
"""Bytes read at once, and so the size of a batch: what may be repeated after a crash."""


class Batch(NamedTuple):
    """Messages, the bytes of the file that they take up, and whether the file had any more."""

    messages: list[bytes]
    octets: int
    grew: bool = False


class Tail:
    """Reads one file. `position` moves only when the caller says that messages were accepted."""

    def __init__(
        self,
        fd: int,
        max_line: int,
        position: FilePosition | None = None,
        records: RecordRule | None = None,
    ) -> None:
        """Read from `fd`, which is closed by `close`; at `position`, by default at the start.

        With `records`, a message is a record of several lines instead of a line.
        """
        status = os.fstat(fd)
        # Under whatever name, and even if it is a copy: this file it is now.
        self.identity = (status.st_dev, status.st_ino)
        self._fd = fd
        self._max_line = max_line
        self._offset = position.offset if position else 0
        # Taken from what is read, never looked up again: the file might have been truncated and
        # written again meanwhile, and this is what tells.
        self._head = os.pread(fd, position.head, 0) if position else b""
        self._records = records
        self._rest = b""  # what was read after `_offset`: the start of a line or record

    @property
    def position(self) -> FilePosition:
        """Up to where messages were accepted."""
        return FilePosition(*self.identity, self._offset, len(self._head), zlib.crc32(self._head))

    @property
    def fd(self) -> int:
        """The descriptor."""
        return self._fd

    @property
    def unfinished(self) -> int:
        """Bytes of a line without its LF, or of a record that may go on."""
        return len(self._rest)

    def read(self) -> Batch | None:
        """Return the next whole lines, none when there are none yet.

        None means that the file was truncated: it is shorter than what was read of it, or begins
        with other bytes. A line above `max_line` bytes comes in pieces of that size.

        Raises:
            OSError: the file cannot be read.
        """
        at = self._offset + len(self._rest)
        data = os.pread(self._fd, CHUNK, at)
        # After the read, so that other contents are never taken for more of these.
        if not self.position.at(at).is_in(self._fd):
            return None
        if at <= len(self._head) < HEAD:
            self._head = (self._head[:at] + data)[:HEAD]
        grew = bool(data)
        data = self._rest + data
        lines, octets = self._cut(data)
        if lines and len(max(lines, key=len)) > self._max_line:
            lines = [piece for line in lines for piece in pieces(line, self._max_line)]
        if len(data) - octets > self._max_line:
            whole = (len(data) - octets - 1) // self._max_line * self._max_line
            lines += pieces(data[octets : octets + whole], self._max_line)
            octets += whole
        self._rest = data[octets:]
        return Batch(lines, octets, grew)

    def last(self) -> Batch:
        """Return what stands after the last LF, when no LF will come any more."""
        batch = self.quiet()
        rest, self._rest = self._rest, b""
        return Batch([*batch.messages, rest] if rest else batch.messages, batch.octets + len(rest))

    def quiet(self) -> Batch:
        """Return the record that no further line seems to follow."""
        if self._records is None:
            return Batch([], 0)
        records, octets = self._records.all(self._rest)
        self._rest = self._rest[octets:]
        return Batch(records, octets)

    def _cut(self, data: bytes) -> tuple[list[bytes], int]:
        """Return the messages that are complete, and the bytes that they take up."""
        if self._records is not None:
            records, octets = self._records.complete(data)
            if len(data) - octets > self._max_line:
                # The last record is too long: sent as far as it goes; the rest of it is another.
                return self._records.all(data)
            return records, octets
        end = data.rfind(b"\n")
        return split_lines(data[:end])[0] if end >= 0 else [], end + 1

    def accepted(self, batch: Batch) -> None:
        """The messages of `batch` are safe: the position moves past them."""
        self._offset += batch.octets

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)
