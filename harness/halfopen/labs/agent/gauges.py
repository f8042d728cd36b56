"""Figures that a program writes of itself, and what it keeps on disk."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from halfopen.labs.agent.follower import Follower
from halfopen.model.records import ImpstatsRecord, Record, SaidRecord, SpoolRecord

_PAUSE_S = 0.25  # between two looks at a directory


class Gauge(Protocol):
    """Something that is read from time to time."""

    def read(self) -> Iterator[Record]:
        """Records for what changed since the last call."""


class ImpstatsGauge:
    """rsyslog's own figures, one JSON object a line (rsyslog's documentation, "impstats").

    Args:
        host: of the program.
        process: name of the program.
        lines: of the file that they are written to.
    """

    def __init__(self, host: str, process: str, lines: Follower) -> None:
        self._host, self._process = host, process
        self._lines = lines
        self._last: dict[str, object] = {}

    def read(self) -> Iterator[ImpstatsRecord]:
        """Each counter set that changed."""
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
                yield ImpstatsRecord(
                    kind="impstats",
                    host=self._host,
                    process=self._process,
                    name=name,
                    origin=origin,
                    values=values,
                )


class SpoolGauge:
    """The files below a directory: how many, and how many bytes they hold.

    Args:
        host: of the program.
        process: name of the program.
        path: the directory.
        base: what its path is recorded relative to: where a run's files lie is not in its history.
        names: of the files that count, as a shell's pattern.
    """

    def __init__(self, host: str, process: str, path: Path, base: Path, names: str = "*") -> None:
        self._host, self._process = host, process
        self._path = path
        inside = path.is_relative_to(base)
        self._recorded = str(path.relative_to(base) if inside else path)
        self._names = names
        self._last: tuple[int, int] | None = None
        self._due = 0.0

    def read(self) -> Iterator[SpoolRecord]:
        """One record if that changed."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _PAUSE_S
        sizes = list(self._sizes())
        found = (len(sizes), sum(sizes))
        if found != self._last:
            self._last = found
            yield SpoolRecord(
                kind="spool",
                host=self._host,
                process=self._process,
                path=self._recorded,
                files=found[0],
                bytes=found[1],
            )

    def _sizes(self) -> Iterator[int]:
        for path in self._path.rglob(self._names):
            try:
                if path.is_file() and not path.name.startswith("."):
                    yield path.stat().st_size
            except FileNotFoundError:
                continue  # gone meanwhile


class TextGauge:
    """What a program says in words, as it is.

    Args:
        host: of the program.
        process: name of the program.
        lines: of the file that they are written to.
    """

    def __init__(self, host: str, process: str, lines: Follower) -> None:
        self._host, self._process = host, process
        self._lines = lines

    def read(self) -> Iterator[SaidRecord]:
        """A record for each line."""
        for line in self._lines.lines():
            text = line.decode("utf-8", "backslashreplace")
            yield SaidRecord(kind="said", host=self._host, process=self._process, line=text)


def open_gauge(
    host: str, process: str, kind: str, path: Path, base: Path, lines: Follower
) -> Gauge:
    """The gauge of a kind, see :class:`halfopen.model.program.ProgramSpec`."""
    word, _, names = kind.partition(" ")
    if word == "spool":
        return SpoolGauge(host, process, path, base, names or "*")
    gauge = ImpstatsGauge if kind == "impstats" else TextGauge
    return gauge(host, process, lines)
