"""Moving a full or old file aside, and compressing it.

`out.log` becomes `out.log-20261127T081500`, by local time; a second one of that second gets `.1`.
Compressed, it is `out.log-20261127T081500.gz`: written beside it, synced, and only then is the
other one deleted. One that a stop interrupts stays as it is.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import queue
import shutil
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Literal, cast

from relpio.errors import ConfigurationError
from relpio.logs import Log

__all__ = ["COMPRESSIONS", "Compressor", "Rotation", "move_aside"]

_CHUNK = 1024 * 1024
_STOP_S = 1.0
_PERIODS = {"hour": "%Y%m%d%H", "day": "%Y%m%d"}


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """When a file is moved aside. Empty files never are.

    Attributes:
        size: before it becomes larger than so many bytes; None is never. A batch of messages, up to
            a few MiB, is not divided, so a file may be larger that has no other.
        every: when the hour or day (local time) of its last message is over, and another comes.
        compressor: compresses what was moved; None leaves it as it is.
    """

    size: int | None = None
    every: Literal["hour", "day"] | None = None
    compressor: Compressor | None = None

    def due(self, fd: int, more: int, now: float) -> bool:
        """Tell whether a file is to be moved before `more` bytes are added, at Unix time `now`."""
        status = os.fstat(fd)
        if not status.st_size or not stat.S_ISREG(status.st_mode):
            return False
        if self.size is not None and status.st_size + more > self.size:
            return True
        if self.every is None:
            return False
        form = _PERIODS[self.every]
        before = time.strftime(form, time.localtime(status.st_mtime))
        return before != time.strftime(form, time.localtime(now))


def move_aside(path: Path, now: float) -> Path:
    """Rename a file; return its new path, which no other file had.

    Raises:
        OSError: it cannot be renamed.
    """
    stamp = time.strftime("%Y%m%dT%H%M%S", time.localtime(now))
    number = 0
    while True:
        new = path.with_name(f"{path.name}-{stamp}" + (f".{number}" if number else ""))
        taken = [new, *(new.with_name(new.name + suffix) for suffix, _ in COMPRESSIONS.values())]
        if not any(map(os.path.lexists, taken)):
            path.rename(new)
            return new
        number += 1


def _gzip(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "wb"))


def _zstd(path: Path) -> IO[bytes]:
    return cast(IO[bytes], _zstd_module().open(path, "wb"))


def _zstd_module() -> Any:
    for name in ("compression.zstd", "zstandard"):  # Python from 3.14 on; a package
        with contextlib.suppress(ImportError):
            return import_module(name)
    raise ConfigurationError(
        "zstd needs Python 3.14 or the package zstandard; gzip is always available"
    )


COMPRESSIONS: dict[str, tuple[str, Callable[[Path], IO[bytes]]]] = {
    "gzip": (".gz", _gzip),
    "zstd": (".zst", _zstd),
}
"""By name: the suffix, and what opens a file to write."""


class Compressor:
    """Compresses files, one at a time, in a thread of its own."""

    def __init__(self, kind: str, log: Log) -> None:
        """Compress with gzip or zstd; `log` must take events from any thread.

        Raises:
            ConfigurationError: this Python cannot do that.
        """
        if kind == "zstd":
            _zstd_module()
        self._suffix, self._open = COMPRESSIONS[kind]
        self._log = log
        self._paths: queue.Queue[Path | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def add(self, path: Path) -> None:
        """Compress this file when the ones before are done."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="relpio-compress", daemon=True)
            self._thread.start()
        self._paths.put(path)

    def close(self) -> None:
        """Stop; a file that is not done stays as it was."""
        self._stopped.set()
        self._paths.put(None)
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        while not self._stopped.is_set():
            path = self._paths.get()
            if path is None:
                return
            try:
                self._compress(path)
            except OSError as error:
                self._log("compress-failed", path=str(path), detail=str(error))

    def _compress(self, path: Path) -> None:
        done, half = (path.with_name(path.name + self._suffix + more) for more in ("", ".tmp"))
        try:
            with path.open("rb") as source:
                _create_private(half)  # messages of a private file are never in a public one
                with self._open(half) as target:
                    while data := source.read(_CHUNK):
                        if self._stopped.is_set():
                            return
                        target.write(data)
                shutil.copymode(path, half)
                _sync(half)
                half.rename(done)
                _sync(path.parent)
                path.unlink()
        finally:
            half.unlink(missing_ok=True)


def _create_private(path: Path) -> None:
    path.unlink(missing_ok=True)  # of a process that was killed
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
