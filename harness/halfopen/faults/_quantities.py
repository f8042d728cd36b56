"""Types of parameters that only faults have: octets, rates, real time, a shift of a clock."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from halfopen.fields import DURATION_SCHEMA, Scaled, read_duration
from halfopen.model.units import LONGEST

_UNITS = {"octets": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def _octets(value: object) -> object:
    match = re.fullmatch(r"\s*(\d{1,15})\s*(octets?|[KMG]iB)\s*", str(value))
    if match:
        return int(match[1]) * _UNITS["octets" if match[2].startswith("octet") else match[2]]
    if type(value) is int and value != 0:  # of the Python API, or parsed before
        return value
    if value == 0 and not isinstance(value, bool):
        return 0
    raise ValueError(f"{value!r} is not a size; write for example 64 MiB or 512 KiB")


Octets = Annotated[
    int,
    BeforeValidator(_octets),
    Field(ge=0, le=1 << 50),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\d+ ?(octets?|[KMG]iB)$", "examples": ["64 MiB"]},
                {"type": "integer", "minimum": 0},
            ]
        }
    ),
]
"""A number of octets, written `64 MiB`, `512 KiB`, `0 octets`."""

RealTime = Annotated[
    float,
    BeforeValidator(read_duration),
    Field(gt=0, le=60),
    WithJsonSchema(DURATION_SCHEMA),
]
"""Seconds that no scale divides: what a device takes, as an answer or a round trip does."""


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

_PER_SECOND = {"bit": 0.125, "B": 1.0}
_PREFIXES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 1 << 10, "Mi": 1 << 20}


def _rate(value: object) -> object:
    if isinstance(value, float) and value > 0:
        return value  # of the Python API, or parsed before
    match = re.fullmatch(r"\s*(\d{1,9}(?:\.\d+)?)\s*(k|M|G|Ki|Mi)?(bit|B)/s\s*", str(value))
    if not match or not float(match[1]):
        raise ValueError(f"{value!r} is not a rate; write for example 100 kB/s or 1 Mbit/s")
    return float(match[1]) * _PREFIXES[match[2] or ""] * _PER_SECOND[match[3]]


Rate = Annotated[
    float,
    BeforeValidator(_rate),
    Field(ge=1),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\s*\d+(\.\d+)?\s*(k|M|G|Ki|Mi)?(bit|B)/s\s*$",
            "examples": ["100 kB/s", "1 Mbit/s"],
        }
    ),
]
"""Octets a second, written `100 kB/s` or `1 Mbit/s`; no scale divides it."""
