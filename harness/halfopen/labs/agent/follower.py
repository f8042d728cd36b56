"""Reads a file while it grows."""

from __future__ import annotations

import os
from pathlib import Path


class Follower:
    """Reads what is appended to a file, whole lines at a time."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._offset = 0
        self._rest = b""

    @property
    def exists(self) -> bool:
        """True once there is a file to read."""
        return self._size() is not None

    def lines(self) -> list[bytes]:
        """The lines that came since the last call, without their line feeds."""
        # Twenty times a second, mostly for nothing: a file that is no longer is not opened.
        if (self._size() or 0) <= self._offset:
            return []
        try:
            with open(self._path, "rb") as file:  # noqa: PTH123 - see above
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        self._offset += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        return whole

    def rest(self) -> bytes:
        """What came after the last line feed; it does not come again."""
        rest, self._rest = self._rest, b""
        return rest

    def _size(self) -> int | None:
        try:
            return os.stat(self._path).st_size  # noqa: PTH116 - see above
        except FileNotFoundError:
            return None
