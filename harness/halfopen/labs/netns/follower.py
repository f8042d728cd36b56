"""Inside the sandbox: reads a file while it grows."""

from __future__ import annotations

from pathlib import Path


class Follower:
    """Reads what is appended to a file, whole lines at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""

    @property
    def exists(self) -> bool:
        """True once there is a file to read."""
        return self._path.exists()

    def lines(self) -> list[bytes]:
        """The lines that came since the last call, without their line feeds."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        self._offset += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        return whole
