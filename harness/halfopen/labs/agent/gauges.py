"""Figures that a program writes of itself, and what it keeps on disk."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from halfopen.labs.agent.follower import Follower

_PAUSE_S = 0.25  # between two looks at a directory


class Gauge(Protocol):
    """Something that is read from time to time."""

    def read(self) -> Iterator[dict[str, Any]]:
        """Records for what changed since the last call, without `t` and `host`."""


class Impstats:
    """rsyslog's own figures, one JSON object a line (rsyslog's documentation, "impstats").

    Args:
        lines: of the file that they are written to.
    """

    def __init__(self, lines: Follower) -> None:
        self._lines = lines
        self._last: dict[str, object] = {}

    def read(self) -> Iterator[dict[str, Any]]:
        """`{kind: impstats, name, origin, values}` for each counter set that changed."""
        for line in self._lines.lines():
            # A date stands before the object, unless rsyslog is told to leave it out.
            start = line.find(b"{")
            try:
                said = json.loads(line[start:]) if start >= 0 else None
            except ValueError:
                continue
            if not isinstance(said, dict) or "name" not in said:
                continue
            values = {k: v for k, v in said.items() if isinstance(v, int | float)}
            name = str(said["name"])
            if values and self._last.get(name) != values:
                self._last[name] = values
                origin = str(said.get("origin", ""))
                yield {"kind": "impstats", "name": name, "origin": origin, "values": values}


class Spool:
    """The files below a directory: how many, and how many octets they hold.

    Args:
        path: the directory.
        names: of the files that count, as a shell's pattern.
    """

    def __init__(self, path: Path, names: str = "*") -> None:
        self._path = path
        self._names = names
        self._last: tuple[int, int] | None = None
        self._due = 0.0

    def read(self) -> Iterator[dict[str, Any]]:
        """`{kind: spool, path, files, bytes}` if that changed."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _PAUSE_S
        sizes = list(self._sizes())
        found = (len(sizes), sum(sizes))
        if found != self._last:
            self._last = found
            yield {"kind": "spool", "path": str(self._path), "files": found[0], "bytes": found[1]}

    def _sizes(self) -> Iterator[int]:
        for path in self._path.rglob(self._names):
            try:
                if path.is_file() and not path.name.startswith("."):
                    yield path.stat().st_size
            except FileNotFoundError:
                continue  # gone meanwhile


class Said:
    """What a program says in words, as it is.

    Args:
        lines: of the file that they are written to.
    """

    def __init__(self, lines: Follower) -> None:
        self._lines = lines

    def read(self) -> Iterator[dict[str, Any]]:
        """`{kind: said, line}` for each line."""
        for line in self._lines.lines():
            yield {"kind": "said", "line": line.decode("utf-8", "backslashreplace")}


def open_gauge(kind: str, path: Path, lines: Follower) -> Gauge:
    """The gauge of a kind, see :class:`halfopen.model.program.ProgramSpec`."""
    word, _, names = kind.partition(" ")
    if word == "spool":
        return Spool(path, names or "*")
    return Impstats(lines) if kind == "impstats" else Said(lines)
