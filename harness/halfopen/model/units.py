"""Durations as people write them: `90 min`, `1 h 30 min`, `75 s`, `250 ms`; and counted nouns.

Seconds as a float are the one unit inside the program; this is the only place that reads or
writes another one.
"""

from __future__ import annotations

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)(?![a-z])")
_WHOLE = re.compile(r"\s*(?:\d+(?:\.\d+)?\s*(?:ms|s|min|h|d)\s*)+")

# Ten years: longer than any timer of any middlebox; what is beyond it is a slip of the pen.
LONGEST = 10 * 365 * 86400.0


def parse_duration(text: str) -> float:
    """Seconds in `text`, for example 5400.0 for `90 min` or `1 h 30 min`.

    Raises:
        ValueError: with a sentence that says what would be right.
    """
    if not _WHOLE.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a duration; write for example 75 s, 90 min or 1 h 30 min"
        )
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    if seconds > LONGEST:
        raise ValueError(f"{text!r} is longer than ten years; check the unit")
    return seconds


def format_duration(seconds: float) -> str:
    """`seconds` as a person would say it, to three figures: `90 min`, `2 h 11 min`, `0.25 s`."""
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if seconds < 119.5:
        return f"{seconds:.3g} s" if seconds < 99.5 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def count(number: int, noun: str) -> str:
    """A number of things: `1 session`, `2 sessions`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
