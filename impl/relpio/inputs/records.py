"""Records of several lines: a line that matches an expression begins one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["RecordJoiner", "RecordRule"]


@dataclass(frozen=True)
class RecordRule:
    """How lines are put together.

    Attributes:
        start: found in the first line of each record. Lines before the first such line are a
            record, too.
        timeout: seconds without a new line after which a record counts as complete.
    """

    start: re.Pattern[bytes]
    timeout: float = 2.0

    def complete(self, data: bytes) -> tuple[list[bytes], int]:
        """Return the records that another one follows, without their last LF, and their bytes."""
        end = data.rfind(b"\n")
        lines = data[:end].split(b"\n") if end >= 0 else []
        starts = [at for at, line in enumerate(lines) if self.start.search(line)]
        if not starts:
            return [], 0
        records = [
            b"\n".join(lines[first:after])
            for first, after in pairwise(starts if starts[0] == 0 else [0, *starts])
        ]
        return records, sum(len(line) + 1 for line in lines[: starts[-1]])

    def all(self, data: bytes) -> tuple[list[bytes], int]:
        """Return the same, and the last record as far as its lines are whole."""
        records, size = self.complete(data)
        end = data.rfind(b"\n")
        if end >= size:
            records.append(data[size:end])
        return records, max(size, end + 1)


class RecordJoiner:
    """Puts the lines of a stream together."""

    def __init__(self, rule: RecordRule, max_size: int) -> None:
        """Begin a stream; what makes a record longer than `max_size` bytes is another one."""
        self.rule = rule
        self._max_size = max_size
        self._lines: list[bytes] = []
        self._size = 0

    @property
    def unfinished(self) -> bool:
        """There is a record that may go on."""
        return bool(self._lines)

    def feed(self, lines: list[bytes]) -> list[bytes]:
        """Return the records that these lines show to be complete."""
        records: list[bytes] = []
        for line in lines:
            size = len(line) + 1
            if self._lines and (
                self._size + size - 1 > self._max_size or self.rule.start.search(line)
            ):
                records += self.finish()
            self._lines.append(line)
            self._size += size
        return records

    def finish(self) -> list[bytes]:
        """Return the last record, as no line follows."""
        records = [b"\n".join(self._lines)] if self._lines else []
        self._lines, self._size = [], 0
        return records
