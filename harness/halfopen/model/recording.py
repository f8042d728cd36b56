"""The file of a history while a run goes on: one writer, whole lines, and never without its header.

A killed run leaves the lines that it had written; a full disk leaves them, too, since the part of a
line that still fitted is cut off again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from pathlib import Path
from typing import Self

from halfopen.errors import OutputError
from halfopen.model.history import FILE_NAME
from halfopen.model.records import HeaderRecord, Record

_HEADING = 1 << 12
_BEGINNING = re.compile(rb'\{"t": ?0(\.0)?, ?"kind": ?"header"')


class HistoryWriter:
    """Writes the history of one run; a context manager, which closes the file.

    The file gets its name once its header is in it, and replaces an earlier one then.

    Args:
        directory: of the run; it is there.
        header: first record.

    Raises:
        OutputError: if it cannot be written; there is no new file then.
    """

    def __init__(self, directory: Path, header: HeaderRecord) -> None:
        self._path = directory / FILE_NAME
        self._whole = 0
        begun = self._path.with_name(f".{FILE_NAME}.{secrets.token_hex(4)}.part")
        try:
            self._file = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise self._problem(error) from None
        try:
            self.write(header)
            begun.replace(self._path)
        except BaseException as error:
            os.close(self._file)
            with contextlib.suppress(OSError):
                begun.unlink()
            if isinstance(error, OSError):
                raise self._problem(error) from None
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def write(self, record: Record) -> None:
        """Append one record; it is in the kernel's hands when this returns.

        Raises:
            OutputError: if it cannot be written; the file ends with the record before it then.
        """
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        self._append(line)

    def _append(self, line: bytes) -> None:
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._whole)
                os.lseek(self._file, self._whole, os.SEEK_SET)
            raise self._problem(error) from None
        self._whole += len(line)

    def _problem(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write {self._path}: {error.strerror or error}")


def is_history(path: Path) -> bool:
    """Whether a file begins as the history of some version does; an empty one might as well.

    A symbolic link is none, and neither is anything but an ordinary file.

    Raises:
        OSError: if it cannot be read.
    """
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        beginning = file.read(_HEADING)
    return not beginning or bool(_BEGINNING.match(beginning))
