"""The ledger: which input messages were accepted, and which were acknowledged.

A text file, one line an event: `accepted 5-20`, `acked 5`. A feeder that keeps its messages until
it reads `acked` can lose none, however this process ends.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from relpio.logs import Log, no_log
from relpio.protocol.runs import runs_of

__all__ = ["Ledger"]


class Ledger:
    """Appends to a file, once for each turn of the loop at the latest."""

    def __init__(self, path: Path, log: Log = no_log) -> None:
        """Open `path` for appending; write errors go to `log`, and the next line tries again.

        Raises:
            OSError: it cannot be opened.
        """
        self._path = path
        self._fd = _open(path)
        self._log = log
        self._failing = False
        self._lines: list[str] = []
        self._unwritten = bytearray()  # outlives a failed write: no line is torn or skipped
        self._handle: asyncio.Handle | None = None

    def accepted(self, first: int, last: int) -> None:
        """The queue has taken these messages."""
        self._add("accepted", first, last)

    def acked(self, numbers: Sequence[int]) -> None:
        """The server has taken these messages."""
        for first, last in runs_of(numbers):
            self._add("acked", first, last)

    def dead(self, numbers: Sequence[int]) -> None:
        """The server refused these messages; they are in the file of dead letters."""
        for first, last in runs_of(numbers):
            self._add("dead-letter", first, last)

    def reopen(self) -> None:
        """Go on in a new file of the same path: the old one was moved away.

        Raises:
            OSError: it cannot be opened; the old one goes on.
        """
        fd = _open(self._path)
        self.flush()
        os.close(self._fd)
        self._fd = fd

    def close(self) -> None:
        """Write what is left and close the file."""
        self.flush()
        os.close(self._fd)

    def flush(self) -> None:
        """Write now."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._unwritten += "".join(self._lines).encode()
        self._lines.clear()
        try:
            while self._unwritten:
                del self._unwritten[: os.write(self._fd, self._unwritten)]
            self._failing = False
        except OSError as error:
            # Messages move on: a feeder that does not see "acked" only sends again.
            if not self._failing:
                self._log("ledger-error", detail=str(error))
            self._failing = True

    def _add(self, word: str, first: int, last: int) -> None:
        numbers = f"{first}" if first == last else f"{first}-{last}"
        self._lines.append(f"{word} {numbers}\n")
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_soon(self.flush)


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
