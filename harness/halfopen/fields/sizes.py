"""Amounts of bytes, and rates, as a scenario writes them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from halfopen.fields.section import Unscaled, WrittenInt

_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def _bytes(value: object) -> object:
    match = re.fullmatch(r"\s*(\d{1,15})\s*(bytes?|[KMG]iB)\s*", str(value))
    if match:
        return int(match[1]) * _UNITS["bytes" if match[2].startswith("byte") else match[2]]
    if isinstance(value, int) and not isinstance(value, bool):
        if value == 0 or not isinstance(value, WrittenInt):
            return int(value)  # a value of the Python API, or one that was parsed before
        raise ValueError(f"{value!r} has no unit; write for example {value} bytes or 64 MiB")
    raise ValueError(f"{value!r} is not a size; write for example 64 MiB, 512 KiB or 80 bytes")


Bytes = Annotated[
    int,
    BeforeValidator(_bytes),
    Field(ge=0, le=1 << 50),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\d+ ?(bytes?|[KMG]iB)$", "examples": ["64 MiB"]},
                {"const": 0},
            ]
        }
    ),
]
"""An amount of bytes, written `64 MiB`, `512 KiB`, `80 bytes` or `0`."""

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
    Unscaled(),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\s*\d+(\.\d+)?\s*(k|M|G|Ki|Mi)?(bit|B)/s\s*$",
            "examples": ["100 kB/s", "1 Mbit/s"],
        }
    ),
]
"""Bytes a second, written `100 kB/s` or `1 Mbit/s`; no scale divides it."""
