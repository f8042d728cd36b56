"""Keepalive settings as the command line takes them."""

from __future__ import annotations

from halfopen.errors import UsageError
from halfopen.kernel import Keepalive
from halfopen.model.units import parse_duration

SYSTEM = Keepalive(7200, 75, 9)
"""What SO_KEEPALIVE alone gives on Linux (tcp(7))."""

_FORM = (
    "use whole seconds or durations and a number of probes, for example 1800/75/9 or 30min/75s/9; "
    "on for the system's 7200/75/9; or off"
)


def read_keepalive(text: str) -> Keepalive | None:
    """The settings that `text` says: `1800/75/9`, `30min/75s/9`, `on`; None for `off`.

    Raises:
        UsageError: with what would be right.
    """
    if text in ("on", "off"):
        return SYSTEM if text == "on" else None
    parts = [each.strip() for each in text.split("/")]
    try:
        idle, interval, probes = parts
        figures = (_seconds(idle), _seconds(interval), _whole(probes))
    except ValueError:
        raise UsageError(f"--keepalive {text!r} is not IDLE/INTERVAL/PROBES; {_FORM}") from None
    try:
        return Keepalive(*figures)
    except ValueError as error:
        raise UsageError(f"--keepalive {text}: {error}") from None


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ValueError(text)
    return int(text)


def _seconds(text: str) -> int:
    try:
        return _whole(text)
    except ValueError:
        seconds = parse_duration(text)
        if seconds != int(seconds):
            raise
        return int(seconds)
