"""Compiled files of the Python programs that a guest starts.

A system call that fails takes a guest 1 us.  So whether a module's compiled file is there can be
seen in its history, and a guest that writes it changes the history of the next.  Hence the runner
writes them before a guest starts, and a guest writes none.
"""

from __future__ import annotations

import contextlib
import importlib.util
import py_compile
import struct
import sys
from functools import cache
from pathlib import Path

_PACKAGES = ("halfopen", "relpio")
_HEADER = struct.Struct("<4sIII")  # PEP 552: magic number, flags, time and size of the source


@cache
def compile_packages() -> None:
    """Compile what is not compiled yet of our packages, once for each process.

    Where Python must not write compiled files, or may not, all is left as it is.
    """
    if sys.dont_write_bytecode:
        return
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        for place in (spec and spec.submodule_search_locations) or ():
            compile_below(Path(place))


def compile_below(directory: Path) -> None:
    """Compile all modules below a directory whose compiled file is missing or stale."""
    for source in directory.rglob("*.py"):
        if not _is_compiled(source):
            with contextlib.suppress(OSError, py_compile.PyCompileError):
                py_compile.compile(str(source), doraise=True)


def _is_compiled(source: Path) -> bool:
    try:
        with open(importlib.util.cache_from_source(str(source)), "rb") as file:  # noqa: PTH123
            magic, flags, modified, size = _HEADER.unpack(file.read(_HEADER.size))
        there = source.stat()
    except (OSError, struct.error):
        return False
    by_time = (int(there.st_mtime) & 0xFFFFFFFF, there.st_size & 0xFFFFFFFF)
    return magic == importlib.util.MAGIC_NUMBER and (flags != 0 or (modified, size) == by_time)
