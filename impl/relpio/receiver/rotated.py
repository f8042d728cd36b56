"""Files that rotation moved aside: compressed, and the oldest of them deleted.

Compressed, `out.log-20261127T081500` is `out.log-20261127T081500.gz`: written beside it, synced,
and only then is the other one deleted. One that a stop interrupts stays as it is.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import stat
import threading
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

from relpio.errors import ConfigurationError
from relpio.logs import Log

__all__ = ["COMPRESSIONS", "RotatedFiles"]

_CHUNK = 1024 * 1024
_STOP_S = 1.0


def _gzip(path: Path) -> IO[bytes]:
    import gzip  # slow to load, and rarely used

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


_SUFFIXES = "|".join(re.escape(suffix) for suffix, _ in COMPRESSIONS.values())
_MOVED = re.compile(rf"-([0-9]{{8}}T[0-9]{{6}})(?:\.([0-9]+))?(?:(?:{_SUFFIXES})(?:\.tmp)?)?")
"""What follows the name of a file in that of one that was moved, compressed or about to be."""


def _moved_from(name: str, moved: str) -> re.Match[str] | None:
    return _MOVED.fullmatch(moved, len(name)) if moved.startswith(name) else None


class RotatedFiles:
    """Compresses what was moved and deletes what is too old, in a thread of its own."""

    def __init__(
        self, log: Log, *, compression: str | None = None, keep: int | None = None
    ) -> None:
        """Begin with nothing to do.

        Args:
            log: must take events from any thread.
            compression: gzip or zstd; None is none.
            keep: how many moved files of each path stay; None is all.

        Raises:
            ConfigurationError: this Python cannot compress like that.
        """
        if compression == "zstd":
            _zstd_module()
        self._compression = None if compression is None else COMPRESSIONS[compression]
        self._keep = keep
        self._log = log
        self._moved: queue.Queue[tuple[Path, Path] | None] = queue.Queue()
        self._latest: dict[Path, Path] = {}  # moved from each path, while it waits
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def add(self, path: Path, moved: Path) -> None:
        """Take care of `moved`, which was at `path`, when the files before are done."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="relpio-rotated", daemon=True)
            self._thread.start()
        with self._lock:
            self._latest[path] = moved
        self._moved.put((path, moved))

    def close(self) -> None:
        """Stop; a file that is not done stays as it was."""
        self._stopped.set()
        self._moved.put(None)
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        while not self._stopped.is_set():
            task = self._moved.get()
            if task is None:
                return
            path, moved = task
            if self._keep is not None:  # first, since a compressed file needs room
                self._delete_old(path, self._keep)
            with self._lock:
                if self._latest[path] == moved:
                    del self._latest[path]
            if self._compression is not None:
                try:
                    self._compress(moved, *self._compression)
                except OSError as error:
                    self._log("compress-failed", path=str(moved), detail=str(error))

    def _delete_old(self, path: Path, keep: int) -> None:
        """Delete all but the last `keep`, by their names.

        Those of the second in which the last one was moved stay until a later one: their numbers
        must not be given again, and after the clock was set back the last one has the oldest name.
        """
        try:
            found: defaultdict[tuple[str, int], list[Path]] = defaultdict(list)
            with os.scandir(path.parent) as entries:
                for entry in entries:
                    match = _moved_from(path.name, entry.name)
                    if match is not None and entry.is_file(follow_symlinks=False):
                        found[match[1], int(match[2] or 0)].append(path.parent / entry.name)
            with self._lock:
                last = _moved_from(path.name, self._latest[path].name)
            older = [which for which in sorted(found) if last is None or which[0] != last[1]]
            for which in older[: max(0, len(found) - keep)]:
                for old in found[which]:
                    old.unlink(missing_ok=True)
                    self._log("rotated-deleted", path=str(old))
        except OSError as error:
            self._log("delete-failed", path=str(path), detail=str(error))

    def _compress(self, path: Path, suffix: str, opened: Callable[[Path], IO[bytes]]) -> None:
        if self._keep is not None and not path.exists():
            return  # so many came after it that it was deleted
        done, half = (path.with_name(path.name + suffix + more) for more in ("", ".tmp"))
        try:
            with path.open("rb") as source:
                _create_private(half)  # messages of a private file are never in a public one
                with opened(half) as target:
                    while data := source.read(_CHUNK):
                        if self._stopped.is_set():
                            return
                        target.write(data)
                half.chmod(stat.S_IMODE(path.stat().st_mode))
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
