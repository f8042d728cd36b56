"""Durations, points in time and steps of a clock, as a scenario writes them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from halfopen.fields.section import Scaled, Unscaled
from halfopen.model.units import LONGEST, parse_duration


def read_duration(value: object) -> object:
    """Seconds of what a scenario writes as a duration; for the types below, and others like them.

    Raises:
        ValueError: with a sentence that says what would be right.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{value!r} is not a duration; write for example 75 s or 90 min")
    if isinstance(value, str):
        return parse_duration(value)
    if value == 0:
        return 0.0
    if 0 < value <= LONGEST and type(value) is float:
        return value  # a value of the Python API, or one that was parsed before
    raise ValueError(f"{value!r} has no unit; write for example {value} s or {value} min")


DURATION_SCHEMA: dict[str, Any] = {
    "type": "string",
    "pattern": r"^\s*(\d+(\.\d+)?\s*(ms|s|min|h|d)\s*)+$",
    "examples": ["75 s", "90 min", "1 h 30 min"],
}

Duration = Annotated[
    float,
    BeforeValidator(read_duration),
    Field(ge=0, le=LONGEST),
    Scaled(),
    WithJsonSchema(DURATION_SCHEMA),
]
"""Seconds, written `75 s`, `90 min`, `1 h 30 min`."""

PositiveDuration = Annotated[Duration, Field(gt=0)]
"""A :data:`Duration` longer than 0."""

WholeSeconds = Annotated[
    float,
    BeforeValidator(read_duration),
    Field(ge=1, le=LONGEST),
    Scaled(whole=True),
    WithJsonSchema(DURATION_SCHEMA),
]
"""Seconds that the kernel takes as a whole number, 1 at least."""


def off(value: object) -> object:
    """None for what a scenario writes as `off`."""
    return None if value in ("off", False, None) else value


RealTimeout = Annotated[
    float | None,
    BeforeValidator(lambda value: None if off(value) is None else read_duration(value)),
    Scaled(least=0.5),
    WithJsonSchema({"anyOf": [DURATION_SCHEMA, {"const": "off"}]}),
]
"""Seconds that a program waits for an answer, or `off` (None)."""

RealTime = Annotated[
    float,
    BeforeValidator(read_duration),
    Field(gt=0, le=60),
    Unscaled(),
    WithJsonSchema(DURATION_SCHEMA),
]
"""Seconds of real time, which no scale divides: a device takes them, as a round trip does."""

RealDelay = Annotated[
    float,
    BeforeValidator(read_duration),
    Field(ge=0, le=86_400),
    Unscaled(),
    WithJsonSchema(DURATION_SCHEMA),
]
"""Seconds of real time that a program waits, 0 for not at all; no scale divides it."""


def _shift(value: object) -> object:
    if isinstance(value, float) and value != 0 and abs(value) <= LONGEST:
        return value  # of the Python API, or parsed before
    text = str(value).strip()
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    try:
        seconds = float(str(read_duration(rest)))
    except ValueError:
        seconds = 0.0
    if seconds == 0:
        raise ValueError(f"{value!r} is not a step of a clock; write for example -1 h or 1 d")
    return sign * seconds


Shift = Annotated[
    float,
    BeforeValidator(_shift),
    Scaled(),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\s*[+-]?\s*(\d+(\.\d+)?\s*(ms|s|min|h|d)\s*)+$",
            "examples": ["-1 h", "1 d"],
        }
    ),
]
"""Seconds by which a clock is set forward, or back: `1 d`, `-1 h`; not 0."""


def _time_of_day(value: object) -> object:
    if isinstance(value, float) and 0 <= value < 86400:
        return value  # of the Python API, or parsed before
    match = re.fullmatch(r"\s*([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?\s*", str(value))
    if not match:
        raise ValueError(f"{value!r} is not a time of day; write for example 07:59:30")
    return float(int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0))


TimeOfDay = Annotated[
    float,
    BeforeValidator(_time_of_day),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$",
            "examples": ["07:59:30"],
        }
    ),
]
"""Seconds since midnight, written `07:59:30` or `18:00`; no scale divides it."""
