"""HostLines that the programs of a host write."""

from __future__ import annotations

import json
from dataclasses import dataclass

from halfopen.model.history import History
from halfopen.model.records import LogRecord, ProcessRecord, SaidRecord


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        t: when it was read.
        text: without its line feed.
    """

    t: float
    text: str


@dataclass(frozen=True)
class HostLines:
    """What was recorded of a host's programs.

    Attributes:
        lines: in order of time.
        cut: True if they wrote more than is recorded.
    """

    lines: tuple[Line, ...]
    cut: bool


def lines_of(history: History, at: str) -> HostLines | None:
    """The lines of a host's programs; None if nobody listened: then silence means nothing."""
    said = history.of(SaidRecord, host=at)
    events = history.of(LogRecord, host=at)
    started = history.of(ProcessRecord, host=at, state="started")
    if not said and not events and not any(record.get("heard") for record in started):
        return None
    lines = [Line(record["t"], record["line"]) for record in said if not record.get("cut")]
    lines += [Line(r["t"], json.dumps(r["event"], ensure_ascii=False)) for r in events]
    cut = any(record.get("cut") for record in said)
    return HostLines(tuple(sorted(lines, key=lambda each: each.t)), cut)
