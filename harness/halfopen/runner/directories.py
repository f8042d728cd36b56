"""Directories of runs below `--out`: they are ours, and only what we wrote in them is removed."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from halfopen.errors import OutputError, UsageError
from halfopen.model.history import FILE_NAME
from halfopen.model.plan import Plan
from halfopen.model.recording import is_history
from halfopen.pcap.files import DIRECTORY as CAPTURES

HOSTS = "hosts"
"""The directory of the programs' files, below that of a run."""


def run_directories(out: Path, plans: Sequence[Plan]) -> list[Path]:
    """Where the history of each plan's run lies below `out`: `FILE/VARIANT`.

    Two files of the same name in different directories get `FILE` and `FILE-2`.
    """
    names: dict[str, str] = {}
    for file in dict.fromkeys(plan.file for plan in plans):
        stem = _safe(Path(file).name.removesuffix(".yaml").removesuffix(".scenario"))
        taken = set(names.values())
        numbered = (f"{stem}-{number}" for number in itertools.count(2))
        names[file] = next(
            name
            for name in (stem, *itertools.islice(numbered, len(names) + 1))
            if name not in taken
        )
    return [out / names[plan.file] / _safe(plan.variant) for plan in plans]


def _safe(name: str) -> str:
    """A name that is a single, visible component of a path whatever a file calls itself."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip(".") or "unnamed"


def check_own(out: Path, directories: Sequence[Path] = ()) -> None:
    """See that what there is of directories is ours, so that nobody else decides where we write.

    Args:
        out: the uppermost; where it lies is the caller's affair.
        directories: below it.

    Raises:
        UsageError: if one is a symbolic link, belongs to another user, or is not a directory.
    """
    chains = [out, *(up for each in directories for up in _between(out, each))]
    for path in dict.fromkeys(chains):
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}; choose another --out") from None
        problem = ""
        if stat.S_ISLNK(found.st_mode):
            problem = "is a symbolic link: name the directory itself"
        elif not stat.S_ISDIR(found.st_mode):
            problem = "is not a directory"
        elif found.st_uid != os.geteuid():
            problem = f"belongs to another user (uid {found.st_uid}, not {os.geteuid()})"
        if problem:
            raise UsageError(f"{path} {problem}; choose another --out")


def _between(out: Path, directory: Path) -> list[Path]:
    """Those from `out` down to `directory`."""
    below = directory.relative_to(out).parts
    return [out.joinpath(*below[:number]) for number in range(len(below) + 1)]


def clear(directory: Path) -> None:
    """Make the directory of a run, and remove what an earlier run left in it.

    The earlier history stays until the new one replaces it: it is what says that the rest is ours.

    Raises:
        UsageError: if something in it is in the way that we did not write.
        OutputError: if it cannot be made or emptied.
    """
    history = directory / FILE_NAME
    try:
        directory.mkdir(parents=True, exist_ok=True)
        ours = os.path.lexists(history)
        if ours and not is_history(history):
            raise UsageError(_foreign(history))
        for below in (directory / HOSTS, directory / CAPTURES):
            if not os.path.lexists(below):
                continue
            if not ours or below.is_symlink() or not below.is_dir():
                raise UsageError(_foreign(below))
            shutil.rmtree(below)
    except OSError as error:
        where = error.filename or directory
        raise OutputError(f"cannot write {where}: {error.strerror or error}") from None


def _foreign(path: Path) -> str:
    return f"{path} was not written by halfopen; choose another --out"
