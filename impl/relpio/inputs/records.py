"""Records of several lines: a line that matches an expression begins one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["RecordRule"]


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
