"""Bounds, shares and numbers of messages, as a scenario writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from halfopen.fields.section import WrittenFloat


def _messages(value: object) -> object:
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+)\s*(?:messages?)?\s*", value)
        if not match:
            raise ValueError(
                f"{value!r} is not a number of messages; write for example 20 messages"
            )
        return int(match[1])
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a number of messages; write for example 20 messages")
    return value


Messages = Annotated[
    int,
    BeforeValidator(_messages),
    Field(ge=1, le=10_000_000),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": r"^\d+( messages?)?$"},
            ]
        }
    ),
]
"""A number of messages, written `20 messages`, `1 message` or `20`."""


def _share(value: object) -> object:
    if isinstance(value, float) and not isinstance(value, WrittenFloat) and 0 < value <= 1:
        return value  # a value of the Python API, or one that was parsed before
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", str(value))
    if not match or not 0 < float(match[1]) <= 100:
        raise ValueError(f"{value!r} is not a share; write for example 5 % (above 0, at most 100)")
    return float(match[1]) / 100


Share = Annotated[
    float,
    BeforeValidator(_share),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)? ?%$", "examples": ["5 %"]}),
]
"""A part of all, written `5 %`: above 0, at most 1."""


@dataclass(frozen=True)
class Bound:
    """What a count may be: exactly, at most or at least a number.

    In a scenario: `3` (exactly), `exactly 3`, `at most 128`, `at least 1`.
    """

    relation: Literal["exactly", "at most", "at least"]
    number: int

    def holds(self, value: float) -> bool:
        """True if `value` is within the bound."""
        if self.relation == "at most":
            return value <= self.number
        if self.relation == "at least":
            return value >= self.number
        return value == self.number

    def __str__(self) -> str:
        return f"{self.relation} {self.number}"


SEEN = "seen"
"""In `reproduces`: any figure that is beyond its bound."""


def parse_bound(text: str) -> Bound:
    """The bound that `str(bound)` wrote.

    Raises:
        ValueError: with a sentence that says what would be right.
    """
    found = _bound(text)
    assert isinstance(found, Bound)
    return found


def _bound(value: object) -> object:
    if isinstance(value, Bound):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        value = f"exactly {value}"
    match = re.fullmatch(r"\s*(exactly|at most|at least)\s+(\d{1,12})\s*", str(value))
    if not match:
        raise ValueError(f"{value!r} is not a bound; write for example 3, at most 3 or at least 1")
    bound = Bound(match[1], int(match[2]))  # type: ignore[arg-type]
    if bound == Bound("at least", 0):
        raise ValueError("'at least 0' always holds; write at least 1, or leave it out")
    return bound


BoundField = Annotated[
    Bound,
    PlainValidator(_bound),
    PlainSerializer(str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^((exactly|at most) \d+|at least 0*[1-9]\d*)$"},
            ]
        }
    ),
]
"""A :class:`Bound` in a scenario file."""
