"""Records of a history in its file, decoded when they are asked for.

A history can have hundreds of megabytes, and ten times that as Python objects.  So only the kinds
of which there is little are remembered; the others are read again whenever somebody goes through
them.
"""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast, overload

from halfopen.model.records import Record

REMEMBERED = 8 << 20
"""Bytes of a kind of records in its file up to which they are remembered once decoded."""


class Index:
    """Where the records of each kind are in a history, and what all of them have to say.

    Attributes:
        positions: kind -> numbers of its records, in order.
        latest: the highest `t`.
        late_s: the longest that a sample of sockets was put off.
    """

    def __init__(self) -> None:
        self.positions: dict[str, array[int]] = {}
        self.latest = 0.0
        self.late_s = 0.0

    def add(self, number: int, record: Record) -> None:
        """Take note of the record with that number."""
        kind = record["kind"]
        if (known := self.positions.get(kind)) is None:
            known = self.positions[kind] = array("L")
        known.append(number)
        self.latest = max(self.latest, record["t"])
        if record["kind"] == "sockets":
            self.late_s = max(self.late_s, record.get("late_s", 0.0))


class StoredRecords(Sequence[Record]):
    """All records of a history, or some of them, in its file.

    Args:
        path: of the file; it is opened whenever it is read.
        offsets: of every line, and of the end of the last.
        numbers: of the lines that are meant; None for all.
    """

    def __init__(
        self, path: Path, offsets: array[int], numbers: Sequence[int] | None = None
    ) -> None:
        self._path = path
        self._offsets = offsets
        self._numbers = range(len(offsets) - 1) if numbers is None else numbers

    @property
    def size(self) -> int:
        """Bytes that they have in the file."""
        offsets = self._offsets
        return sum(offsets[number + 1] - offsets[number] for number in self._numbers)

    def some(self, numbers: Sequence[int]) -> StoredRecords:
        """Those with the given numbers."""
        return StoredRecords(self._path, self._offsets, numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[Record]:
        with self._path.open("rb") as file:
            for number in self._numbers:
                yield self._read(file.fileno(), number)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> StoredRecords: ...
    def __getitem__(self, index: int | slice) -> Record | StoredRecords:
        if isinstance(index, slice):
            return self.some(self._numbers[index])
        with self._path.open("rb") as file:
            return self._read(file.fileno(), self._numbers[index])

    def _read(self, file: int, number: int) -> Record:
        begin = self._offsets[number]
        return cast(Record, json.loads(os.pread(file, self._offsets[number + 1] - begin, begin)))


class Matching(Sequence[Any]):
    """Those of some records whose fields have given values; looked for whenever it is gone through.

    Args:
        records: all of them.
        match: field -> value.
    """

    def __init__(self, records: Sequence[Record], match: dict[str, object]) -> None:
        self._records = records
        self._match = match

    def __iter__(self) -> Iterator[Record]:
        wanted = self._match.items()
        for record in self._records:
            if all(record.get(key) == value for key, value in wanted):
                yield record

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]
