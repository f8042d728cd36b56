"""Writes the files of a run's results: whole or not at all, in UTF-8 whatever the locale."""

from __future__ import annotations

import errno
import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path

from halfopen.errors import OutputError

STDOUT = Path("-")
"""Stands for standard output."""


def write_file(path: Path, text: str) -> None:
    """Write a file by way of another one, which has no name, so that it is never seen in part.

    What UTF-8 cannot hold (half of a surrogate pair) is written as an escape.

    Args:
        path: the file, which is replaced; :data:`STDOUT` for standard output; what is not an
            ordinary file (a pipe, a device) is written to as it is.
        text: all of it.

    Raises:
        OutputError: if it cannot be written; an earlier file is still there then.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        if path == STDOUT:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        elif path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _replace(Path(os.path.realpath(path)), data)
    except OSError as error:
        raise OutputError(_cannot(path, error)) from None


def check_writable(directory: Path, *files: Path | None) -> None:
    """See that results can be written, before anything is run for them; leaves no file behind.

    Args:
        directory: is made if it is not there.
        files: that will be written, None for none.

    Raises:
        OutputError: with what cannot be written, and why.
    """
    path = directory
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path in filter(None, files):
            if path == STDOUT:
                continue
            if path.exists():
                with path.open("ab"):
                    continue
            beside = _beside(Path(os.path.realpath(path)))
            if (nameless := _nameless(beside.parent)) is not None:
                os.close(nameless)
            else:
                beside.touch(exist_ok=False)
                beside.unlink()
    except OSError as error:
        raise OutputError(_cannot(path, error)) from None


def _replace(path: Path, data: bytes) -> None:
    beside = _beside(path)
    nameless = _nameless(path.parent)
    try:
        with beside.open("xb") if nameless is None else os.fdopen(nameless, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if nameless is not None and _named(nameless, path, beside):
                return
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def _nameless(directory: Path) -> int | None:
    """A file that is gone with its process, however that ends; None if the directory cannot.

    Not every file system has such files (O_TMPFILE, open(2)).
    """
    try:
        return os.open(directory, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EISDIR):
            return None
        raise


def _named(nameless: int, path: Path, beside: Path) -> bool:
    """Give a file its name; False if that is taken, and it has the one beside it."""
    # With a descriptor of a directory Python asks for linkat(2), which follows the link.
    for name in (path, beside):
        try:
            os.link(f"/proc/self/fd/{nameless}", name, src_dir_fd=nameless, follow_symlinks=True)
        except FileExistsError:
            continue
        return name is path
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(beside))


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


def _cannot(path: Path, error: OSError) -> str:
    return f"cannot write {path}: {error.strerror or error}"
