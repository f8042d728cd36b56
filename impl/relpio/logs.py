"""Log events: what the endpoints report, and two ways to write it down.

An endpoint calls `log(event, **fields)`. Names of events and fields are stable; programs read them.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Protocol, TextIO

__all__ = ["JsonLog", "Log", "TextLog", "no_log"]


class Log(Protocol):
    """Takes one log event."""

    def __call__(self, event: str, /, **fields: object) -> None:
        """Report `event` with its fields."""
        ...


def no_log(event: str, /, **fields: object) -> None:
    """Report nothing."""


class JsonLog:
    """JSON Lines: `{"t": unix_time, "event": "...", ...}`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`, by default standard error."""
        self._stream = stream or sys.stderr

    def __call__(self, event: str, /, **fields: object) -> None:
        """Write one line."""
        record = {"t": round(time.time(), 6), "event": event, **fields}
        _write(self._stream, json.dumps(record, default=str))


class TextLog:
    """Lines for people: `relpio: session-lost: ack-timeout (...)`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`, by default standard error."""
        self._stream = stream or sys.stderr

    def __call__(self, event: str, /, **fields: object) -> None:
        """Write one line."""
        if event == "error":
            _write(self._stream, f"relpio: {_show(fields.get('detail'))}")
            return
        shown = ", ".join(f"{name} {_show(value)}" for name, value in fields.items())
        _write(self._stream, f"relpio: {event.replace('-', ' ')}{': ' if shown else ''}{shown}")


def _show(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    # A peer's words must neither drive the terminal nor forge a line of the log.
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in str(value)
    )


def _write(stream: TextIO, line: str) -> None:
    try:
        stream.write(line + "\n")
        stream.flush()
    except OSError:
        pass  # a log that nobody reads is no reason to stop moving messages
