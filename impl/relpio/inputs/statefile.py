"""The state file: how far each followed file has been taken over."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from relpio.errors import ConfigurationError
from relpio.inputs.position import FilePosition
from relpio.logs import Log

__all__ = ["StateFile"]

_VERSION = 1
_FIELDS = ("device", "inode", "offset", "head", "crc")


class StateFile:
    """Places of files, by the path that the user gave; of each path the oldest file first.

    The file is replaced as a whole, and synced before it takes the old one's name, so that even
    after loss of power there is an old or a new one. A lock beside it keeps a second program from
    reading the same files with it.
    """

    def __init__(self, path: Path, log: Log) -> None:
        """Take the lock and read what is there.

        A state file that cannot be understood is set aside and reported; the files are then read
        from their start, which repeats messages but loses none.

        Raises:
            ConfigurationError: another process uses it.
            OSError: it cannot be read or written.
        """
        self._path = path
        self._log = log
        self._failing = False
        self.loaded_ns = 0  # when the state that was found here was written
        self._version = 0
        self._written = 0
        self._writing = asyncio.Lock()
        self._lock_fd = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock_fd)
            raise ConfigurationError(
                f"state file {path} is in use by another process; give each sender its own"
            ) from None
        self._files = self._load()

    def positions(self, name: str) -> tuple[FilePosition, ...]:
        """Return the positions recorded for a path, the oldest file first."""
        return self._files.get(name, ())

    def names(self) -> list[str]:
        """Return the paths that have positions, as absolute names."""
        return list(self._files)

    async def record(self, name: str, positions: tuple[FilePosition, ...]) -> None:
        """Write down the positions of a path; an error is logged, and the next time tries again."""
        if self._files.get(name, ()) == positions:
            return
        if positions:
            self._files[name] = positions
        else:  # read to its end, and gone
            del self._files[name]
        self._version += 1
        mine = self._version
        async with self._writing:
            if self._written >= mine:  # somebody else's write took ours with it
                return
            version, text = self._version, self._text()
            try:
                await asyncio.to_thread(self._write, text)
            except OSError as error:
                if not self._failing:
                    self._log("state-error", file=str(self._path), detail=str(error))
                self._failing = True
            else:
                self._written = version
                self._failing = False

    def close(self) -> None:
        """Give the lock back; harmless the second time."""
        fd, self._lock_fd = self._lock_fd, -1
        if fd >= 0:
            os.close(fd)

    def _write(self, text: str) -> None:
        new = f"{self._path}.new"
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with contextlib.closing(os.fdopen(fd, "w", closefd=True)) as stream:
                stream.write(text)
                stream.flush()
                os.fsync(fd)
            Path(new).replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                Path(new).unlink()
            raise

    def _text(self) -> str:
        files = {
            name: [{field: getattr(position, field) for field in _FIELDS} for position in positions]
            for name, positions in self._files.items()
        }
        return json.dumps({"version": _VERSION, "files": files}, indent=1) + "\n"

    def _load(self) -> dict[str, tuple[FilePosition, ...]]:
        try:
            text = self._path.read_bytes()
            self.loaded_ns = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        try:
            return _understood(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            aside = Path(f"{self._path}.bad-{time.time_ns()}")
            self._path.rename(aside)
            self._log(
                "state-damaged", file=str(self._path), set_aside=str(aside),
                detail=f"{error}; files are read from their start, so messages come again",
            )  # fmt: skip
            return {}


def _understood(state: Any) -> dict[str, tuple[FilePosition, ...]]:
    if state["version"] != _VERSION:
        raise ValueError(f"version {state['version']!r} is not {_VERSION}")
    files: dict[str, tuple[FilePosition, ...]] = {}
    for name, positions in state["files"].items():
        rows = [[position[field] for field in _FIELDS] for position in positions]
        if not all(type(value) is int and value >= 0 for row in rows for value in row):
            raise ValueError(f"a position of {name!r} is not made of numbers")
        files[name] = tuple(FilePosition(*row) for row in rows)
    return files
