"""What a queue on disk is done with: the index of a queue, apart from its messages.

Two files of fixed length, `position.0` and `position.1`, are written in turns, so that one is whole
at any instant, and so that an acknowledgement never needs room on a full disk.

    file    = header run{count} record*
    header  = "relpioA1" queue:u64 generation:u64 low:u64 written:u64 length:u64
              count:u32 zero:u32 crc:u32 zero:u32
    run     = first:u64 last:u64
    record  = first:u64 last:u64 crc:u32

All numbers up to `low` and in the runs are done; each record adds a run, or, with `first` 0, says
up to which number messages were written. The crc of the header covers the runs, too. The crc of a
record begins with that of the header: what an earlier generation left behind does not count.
The file with the higher generation is the one in force. When it is full, the other one is begun.
"""

from __future__ import annotations

import contextlib
import errno
import struct
from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

from relpio.queue.files import Directory, File
from relpio.queue.findings import Finding
from relpio.queue.numbers import DoneNumbers

__all__ = ["NAMES", "LoadedPositions", "Positions", "load_positions"]

NAMES = ("position.0", "position.1")
LENGTH = 256 * 1024
"""Least length of each file in bytes: some 13,000 acknowledgements of runs."""

_LONGEST = 64 * 1024 * 1024
"""No file of ours is longer: what is, is not read as a whole."""

_MAGIC = b"relpioA1"
_HEADER = struct.Struct("<8sQQQQQIIII")
_RECORD = struct.Struct("<QQI")


class LoadedPositions(NamedTuple):
    """What a file says."""

    queue: int
    generation: int
    done: DoneNumbers
    written: int


def load_positions(
    directory: Directory, sizes: dict[str, int]
) -> tuple[LoadedPositions | None, list[Finding]]:
    """Return what the file in force says, None when there is none, and what is wrong."""
    best: LoadedPositions | None = None
    findings = []
    for name in NAMES:
        if name not in sizes:
            findings.append(Finding(name, None, "missing"))
            continue
        file = directory.open(name)
        try:
            loaded, problem, byte = _parse(file.read(0, min(sizes[name], _LONGEST)))
        finally:
            file.close()
        if problem:
            findings.append(Finding(name, byte, problem))
        if loaded is not None and (best is None or loaded.generation > best.generation):
            best = loaded
    return best, findings


def _parse(data: bytes) -> tuple[LoadedPositions | None, str, int | None]:
    if len(data) < _HEADER.size:
        return None, "too short for a header", None
    magic, queue, generation, low, written, length, count, _, crc, _ = _HEADER.unpack_from(data)
    begin = _HEADER.size + 16 * count
    if magic != _MAGIC or len(data) < begin or _header_crc(data[:begin]) != crc:
        return None, "the header is damaged", 0
    done = DoneNumbers(low)
    for first, last in struct.iter_unpack("<QQ", data[_HEADER.size : begin]):
        done.add(first, last)
    bad = skipped = None
    whole = (len(data) - begin) // _RECORD.size * _RECORD.size
    records = _RECORD.iter_unpack(data[begin : begin + whole])
    for at, (first, last, check) in enumerate(records):
        if _record_crc(first, last, crc) != check:
            if bad is None:
                bad = begin + at * _RECORD.size
            continue
        if bad is not None and skipped is None:
            skipped = bad
        if first:
            done.add(first, last)
        else:
            written = max(written, last)
    loaded = LoadedPositions(queue, generation, done, written)
    if len(data) < length:
        return loaded, "cut short; some messages may be delivered again", len(data)
    if skipped is not None:
        return loaded, "records are damaged; some messages may be delivered again", skipped
    return loaded, "", None


def _header_crc(data: bytes) -> int:
    return crc32(data[_HEADER.size :], crc32(data[: _HEADER.size - 8]))


def _record_crc(first: int, last: int, seed: int) -> int:
    return crc32(_RECORD.pack(first, last, 0)[:16], seed)


class Positions:
    """Keeps the files up to date.

    An error of the disk loses nothing here: everything is in memory, too, and goes to the other
    file at the next opportunity.
    """

    def __init__(
        self,
        directory: Directory,
        queue: int,
        generation: int,
        done: DoneNumbers,
        written: int,
        *,
        durable: bool,
    ) -> None:
        """Begin new files, or the one that is not in force.

        Raises:
            OSError: they cannot be written.
        """
        self.done = done
        self.written = written
        self._queue = queue
        self._generation = generation
        self._durable = durable
        self._broken = False
        self._crc = self._offset = self._length = 0
        self.updates = 0
        self._files: list[File] = []
        try:
            self._open(directory)
        except BaseException:
            self.close()
            raise

    def _open(self, directory: Directory) -> None:
        sizes = directory.sizes()
        for name in NAMES:
            fresh = name not in sizes
            self._files.append(
                directory.create(name) if fresh else directory.open(name, write=True)
            )
            if fresh or sizes[name] < LENGTH:
                try:
                    self._files[-1].allocate(LENGTH)
                except OSError as error:
                    for made in NAMES[: len(self._files)]:
                        if made not in sizes:
                            with contextlib.suppress(OSError):
                                directory.unlink(made)
                    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                        raise
                    need = f"no room for the index of a queue, which takes {2 * LENGTH} bytes"
                    raise OSError(error.errno, need, directory.path) from None
        # Both are whole from the start, so that damage found later was not there before.
        self._begin()
        self._begin()
        if any(name not in sizes for name in NAMES):
            directory.sync()

    def add(self, runs: Iterable[tuple[int, int]]) -> None:
        """Add runs of numbers that the queue is done with.

        Raises:
            OSError: they could not be written; call `retry` later.
        """
        records = []
        for first, last in runs:
            self.done.add(first, last)
            records.append(_RECORD.pack(first, last, _record_crc(first, last, self._crc)))
        self._append(b"".join(records))

    def set_written(self, last: int) -> None:
        """Note up to which number messages were written.

        Raises:
            OSError: that could not be written; call `retry` later.
        """
        if last > self.written:
            self.written = last
            self._append(_RECORD.pack(0, last, _record_crc(0, last, self._crc)))

    def retry(self) -> None:
        """Write what could not be written before, if there is such.

        Raises:
            OSError: it still cannot.
        """
        if self._broken:
            self._begin()

    def sync(self) -> None:
        """Return when what was added is on the disk.

        Raises:
            OSError: it is not; call `retry` later.
        """
        self.retry()
        try:
            self._files[self._generation % 2].sync()
        except OSError:
            self._broken = True
            raise
        self.updates = 0

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()
        self._files.clear()

    def _append(self, octets: bytes) -> None:
        self.updates += 1
        if self._broken or self._offset + len(octets) > self._length:
            self._begin()
            return
        try:
            self._files[self._generation % 2].write(self._offset, octets)
        except OSError:
            self._broken = True
            raise
        self._offset += len(octets)

    def _begin(self) -> None:
        """Put everything into the file that is not in force, which then is."""
        self._broken = True
        generation = self._generation + 1
        runs = list(self.done.runs())
        octets = b"".join(struct.pack("<QQ", first, last) for first, last in runs)
        used = _HEADER.size + len(octets)
        length = LENGTH if 2 * used <= LENGTH else -(-4 * used // LENGTH) * LENGTH
        file = self._files[generation % 2]
        if file.size() < length:
            file.allocate(length)
        head = _HEADER.pack(
            *(_MAGIC, self._queue, generation, self.done.low, self.written),
            *(length, len(runs), 0, 0, 0),
        )
        crc = _header_crc(head + octets)
        file.write(0, head[:-8] + struct.pack("<II", crc, 0) + octets)
        if self._durable:
            # The other file is overwritten next time: by then this one must be safe.
            file.sync()
        self._generation, self._crc, self._offset = generation, crc, used
        self._length, self._broken = length, False
