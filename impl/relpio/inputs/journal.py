"""The input of the systemd journal, from a durable cursor on.

It reads the output of `journalctl --follow --output=json`, whose format is stable and documented
(systemd.io/JOURNAL_EXPORT_FORMATS). A library would have to be compiled against libsystemd, and
relpio has no dependencies; where there is a journal, there is journalctl.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import shutil
import threading
from asyncio.subprocess import DEVNULL, Process
from contextlib import ExitStack, aclosing
from pathlib import Path

from relpio.errors import ConfigurationError
from relpio.inputs.base import Deliver, Flow, deliver_whole
from relpio.inputs.entries import FIELDS, messages_of, parse_entry
from relpio.inputs.headers import Header
from relpio.inputs.streams import read_chunks
from relpio.logs import Log

__all__ = ["JournalInput"]

PAUSE = 1.0
"""Seconds before journalctl is started again."""

_CURSOR = re.compile(r"[a-z]=[0-9a-f]+(;[a-z]=[0-9a-f]+)*")


class JournalInput:
    """Entries of the journal, each sent once the one before is accepted.

    The cursor is written down after the queue has accepted a batch: nothing is lost, and after a
    crash at most one batch comes again.
    """

    def __init__(
        self, cursor_path: Path, *, header: Header | None, max_line: int, log: Log,
        program: str = "journalctl",
    ) -> None:  # fmt: skip
        """Lock and read the file of the cursor.

        Args:
            cursor_path: where the cursor is kept.
            header: the header of messages, with what it says where an entry says nothing.
            max_line: longer texts come in pieces of so many bytes.
            log: takes log events.
            program: journalctl.

        Raises:
            ConfigurationError: there is no journalctl, another process uses the file, or it holds
                something else.
            OSError: the file cannot be read or locked.
        """
        self.name = "journal"
        self.flow: Flow = "full"
        self.received = 0
        found = shutil.which(program)
        if found is None:
            raise ConfigurationError(f"--journal needs {program}, which is not installed")
        self._program = found
        self._path = cursor_path
        self._header = header
        self._max_line = max_line
        self._log = log
        self._lock = os.open(f"{cursor_path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._cursor = self._saved = self._read()
        except BlockingIOError:
            os.close(self._lock)
            raise ConfigurationError(
                f"{cursor_path} is in use by another process; give each sender its own"
            ) from None
        except (ConfigurationError, OSError):
            os.close(self._lock)
            raise
        self._failing = False
        self._saving = threading.Lock()  # at the end a thread may still be at it

    def close(self) -> None:
        """Write the cursor down and give the lock back; harmless the second time."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            self._save(self._cursor)
            os.close(lock)

    async def run(self, deliver: Deliver) -> None:
        """Read and deliver until cancelled."""
        try:
            while True:
                status = await self._run_once(deliver)
                self._log("journal-ended", status=status, retry_seconds=PAUSE)
                await asyncio.sleep(PAUSE)
        finally:
            self.close()

    async def _run_once(self, deliver: Deliver) -> int:
        """Run journalctl to its end; return its status."""
        with ExitStack() as stack:
            entries, notes = self._pipe(stack), self._pipe(stack)
            process = await self._start(entries[1], notes[1])
            for _, end in (entries, notes):
                os.close(end)
            listening = asyncio.create_task(self._listen(notes[0]))
            try:
                await self._deliver_all(entries[0], deliver)
                await listening
                return await process.wait()
            finally:
                listening.cancel()
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await asyncio.gather(process.wait(), listening, return_exceptions=True)

    def _pipe(self, stack: ExitStack) -> tuple[int, int]:
        ends = os.pipe()
        stack.callback(os.close, ends[0])
        return ends

    async def _start(self, entries: int, notes: int) -> Process:
        where = [f"--after-cursor={self._cursor}"] if self._cursor else []
        try:
            return await asyncio.create_subprocess_exec(
                self._program, "--follow", "--no-tail", "--all", "--output=json",
                f"--output-fields={','.join(FIELDS)}", *where,
                stdin=DEVNULL, stdout=entries, stderr=notes,
            )  # fmt: skip
        except BaseException:
            for end in (entries, notes):
                os.close(end)
            raise

    async def _deliver_all(self, entries: int, deliver: Deliver) -> None:
        rest = b""
        async with aclosing(read_chunks(entries)) as chunks:
            async for data in chunks:
                *lines, rest = (rest + data).split(b"\n")
                if lines:
                    await self._deliver(lines, deliver)

    async def _deliver(self, lines: list[bytes], deliver: Deliver) -> None:
        messages: list[bytes] = []
        cursor = self._cursor
        for line in lines:
            try:
                entry = parse_entry(line)
            except ValueError as error:
                self._log("journal-damaged", detail=f"{error}: {line[:80]!r}")
                continue
            messages += messages_of(entry, self._header, self._max_line)
            cursor = entry.cursor
        if messages:
            await deliver_whole(deliver, messages)
            self.received += len(messages)
        self._cursor = cursor
        await asyncio.to_thread(self._save, cursor)

    async def _listen(self, notes: int) -> None:
        """Log what journalctl has to say, such as that it may not read everything."""
        rest = b""
        async with aclosing(read_chunks(notes)) as chunks:
            async for data in chunks:
                *lines, rest = (rest + data).split(b"\n")
                for text in filter(None, (line.decode(errors="replace").strip() for line in lines)):
                    self._log("journal-note", detail=text)

    def _read(self) -> str:
        try:
            cursor = self._path.read_text(errors="replace").strip()
        except FileNotFoundError:
            return ""
        if cursor and not _CURSOR.fullmatch(cursor):
            raise ConfigurationError(
                f"{self._path} does not hold a cursor of the journal; remove it to send the "
                "journal from its start, or use another file"
            )
        return cursor

    def _save(self, cursor: str) -> None:
        with self._saving:
            if cursor != self._saved:
                self._write(cursor)

    def _write(self, cursor: str) -> None:
        new = Path(f"{self._path}.new")
        try:
            with open(new, "w", opener=_private) as stream:
                stream.write(f"{cursor}\n")
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(self._path)
        except OSError as error:
            if not self._failing:
                self._log("state-error", file=str(self._path), detail=str(error))
            self._failing = True
        else:
            self._saved = cursor
            self._failing = False


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
