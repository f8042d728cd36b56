"""Many files, with a bounded number of them open at a time.

The file that was used longest ago, and has nothing left to write, is closed to make room. When all
are busy, or the process has no descriptor left, messages for other files wait in memory; they are
not acknowledged, and the sessions' own limits stop the senders.
"""

from __future__ import annotations

import asyncio
import errno
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from relpio.errors import ConfigurationError
from relpio.logs import Log
from relpio.receiver.files import FileKind
from relpio.receiver.output import RETRY, FileOutput
from relpio.receiver.synced import SyncedFileOutput

__all__ = ["ManyFiles"]

_NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)

Waiting = tuple[bytes, Callable[[], None]]


class ManyFiles:
    """Writes to files by their paths."""

    def __init__(self, log: Log, *, most: int = 256, kind: FileKind | None = None) -> None:
        """Write to files of this `kind`, at most `most` of them open at a time.

        Raises:
            ConfigurationError: `most` is below 1.
        """
        if most < 1:
            raise ConfigurationError("at least 1 file must be open at a time")
        self._log = log
        self._most = most
        self._kind = kind or FileKind()
        self._loop = asyncio.get_running_loop()
        self._open: OrderedDict[str, FileOutput] = OrderedDict()  # the last used at the end
        self._waiting: dict[str, list[Waiting]] = {}
        self._retry: asyncio.TimerHandle | None = None
        self._trying = False
        self._closed = False
        self._failing = False
        self._errors = 0  # without those of files that are open
        self._pending = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.broken: asyncio.Future[OSError] = self._loop.create_future()  # never: files heal

    @property
    def failing(self) -> bool:
        """The last attempt to open or write some file failed."""
        return self._failing or any(file.failing for file in self._open.values())

    @property
    def errors(self) -> int:
        """Attempts to open or write a file that failed."""
        return self._errors + sum(file.errors for file in self._open.values())

    def submit_to(self, name: str, data: bytes, on_written: Callable[[], None]) -> None:
        """Write `data` to the file with this path; call `on_written` when that is done."""
        self._pending += 1
        self._idle.clear()
        told = partial(self._written, on_written)
        if name in self._waiting:  # order: what waits goes first
            self._waiting[name].append((data, told))
            return
        file = self._file(name)
        if file is None:
            self._waiting[name] = [(data, told)]
        else:
            file.submit(data, told)

    async def flushed(self) -> None:
        """Wait until everything is written."""
        await self._idle.wait()

    def reopen(self) -> None:
        """Go on in new files: the old ones were moved away."""
        for file in self._open.values():
            file.reopen()

    def close(self) -> None:
        """Forget what is not written."""
        self._closed = True
        if self._retry is not None:
            self._retry.cancel()
        for file in self._open.values():
            file.close()
        self._open.clear()

    def _written(self, on_written: Callable[[], None]) -> None:
        self._pending -= 1
        on_written()
        if self._waiting and not self._trying:  # a file may be idle soon, and make room
            self._trying = True
            self._loop.call_soon(self._try_again)
        if not self._pending:
            self._idle.set()

    def _file(self, name: str) -> FileOutput | None:
        file = self._open.get(name)
        if file is not None:
            self._open.move_to_end(name)
            return file
        if len(self._open) >= self._most and not self._close_one():
            self._later()
            return None
        path = Path(name)
        try:
            fd = self._kind.open(path, self._log)
        except OSError as error:
            if error.errno in _NO_DESCRIPTOR and self._close_one():
                return self._file(name)
            self._open_failed(error)
            return None
        if self._failing:
            self._failing = False
            self._log("output-recovered")
        make = SyncedFileOutput if self._kind.synced else FileOutput
        self._open[name] = make(fd, self._log, path=path, kind=self._kind)
        return self._open[name]

    def _close_one(self) -> bool:
        name = next((name for name, file in self._open.items() if file.idle), None)
        if name is None:
            return False
        file = self._open.pop(name)
        self._errors += file.errors
        file.close()
        return True

    def _open_failed(self, error: OSError) -> None:
        self._errors += 1
        if not self._failing:
            self._failing = True
            self._log("output-error", detail=str(error), retry_seconds=RETRY)
        self._later()

    def _later(self) -> None:
        if self._retry is None:
            self._retry = self._loop.call_later(RETRY, self._retry_now)

    def _retry_now(self) -> None:
        self._retry = None
        self._try_again()

    def _try_again(self) -> None:
        self._trying = False
        if self._closed:
            return
        for name in list(self._waiting):
            file = self._file(name)
            if file is None:
                continue  # what is wrong with one file may be right with the next
            for data, told in self._waiting.pop(name):
                file.submit(data, told)
