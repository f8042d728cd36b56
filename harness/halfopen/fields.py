"""Types of the values that a scenario file may hold, shared by systems, checks, faults, profiles.

A system's options, a check's parameters and a fault's parameters are pydantic models built on
:class:`Section`.  The type of a field says what the time scale does to it: a :data:`Duration` is
divided by the scale, :data:`WholeSeconds` too, but then rounded to whole seconds of at least one
(the kernel takes TCP keepalive in nothing finer), anything else stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from halfopen.model.units import LONGEST, parse_duration


@dataclass(frozen=True)
class Scaled:
    """Mark of a field that the time scale divides.

    Attributes:
        whole: the result is rounded to whole seconds, one at least.
        least: lab seconds below which it is never scaled, because what it waits for (a program's
            answer on a busy machine) takes real time that no scale divides.
    """

    whole: bool = False
    least: float = 0.0


class Section(BaseModel):
    """A mapping in a scenario file: unknown keys are errors, keys are written with spaces."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=lambda name: name.replace("_", " "),
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=False,
        strict=False,
    )

    def takes_fractions(self) -> bool:
        """Whether its :data:`WholeSeconds` may be scaled to fractions of a second."""
        return False


class WrittenFloat(float):
    """A number with a fraction in a YAML file: unlike a float of the Python API, not seconds."""


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

WholeSeconds = Annotated[
    float,
    BeforeValidator(read_duration),
    Field(ge=1, le=LONGEST),
    Scaled(whole=True),
    WithJsonSchema(DURATION_SCHEMA),
]
"""Seconds that the kernel takes as a whole number, 1 at least."""


def _off(value: object) -> object:
    return None if value in ("off", False, None) else value


Patience = Annotated[
    float | None,
    BeforeValidator(lambda value: None if _off(value) is None else read_duration(value)),
    Scaled(least=0.5),
    WithJsonSchema({"anyOf": [DURATION_SCHEMA, {"const": "off"}]}),
]
"""Seconds that a program waits for an answer, or `off` (None)."""


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


def _bound(value: object) -> object:
    if isinstance(value, Bound):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        value = f"exactly {value}"
    match = re.fullmatch(r"\s*(exactly|at most|at least)\s+(\d{1,12})\s*", str(value))
    if not match:
        raise ValueError(f"{value!r} is not a bound; write for example 3, at most 3 or at least 1")
    return Bound(match[1], int(match[2]))  # type: ignore[arg-type]


BoundField = Annotated[
    Bound,
    PlainValidator(_bound),
    PlainSerializer(str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^(exactly|at most|at least) \d+$"},
            ]
        }
    ),
]
"""A :class:`Bound` in a scenario file."""


@dataclass(frozen=True)
class Timer:
    """A duration that decides a verdict, as the time scale compares it with others.

    Two timers are compared if they measure the same thing: how long a flow has been silent
    (`silence`), or how long an answer is outstanding (`answer`).

    Attributes:
        name: for people, for example `keepalive detection`.
        seconds: when it fires at the earliest.
        measures: what it measures.
        late: seconds that it may fire late (kernel timers are never early).
    """

    name: str
    seconds: float
    measures: Literal["silence", "answer"]
    late: float = 0.0


class KeepaliveTimers(Section):
    """TCP keepalive with timers of its own (tcp(7): TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT).

    Attributes:
        idle: silence before the first probe.
        interval: between two unanswered probes.
        probes: unanswered ones after which the connection is dead.
    """

    idle: WholeSeconds
    interval: WholeSeconds
    probes: int = Field(ge=1, le=127)


KEEPALIVE_SCHEMA: dict[str, Any] = {
    "anyOf": [{"const": "off"}, KeepaliveTimers.model_json_schema(mode="validation")]
}

Keepalive = Annotated[
    KeepaliveTimers | None, BeforeValidator(_off), WithJsonSchema(KEEPALIVE_SCHEMA)
]
"""`off`, or `{ idle: 30 min, interval: 75 s, probes: 9 }`."""


def keepalive_timers(keepalive: KeepaliveTimers | None) -> Sequence[Timer]:
    """When probes go out on a healthy idle connection, and when a dead one is found.

    The period of probes on a healthy connection is the larger of idle and interval, not idle
    (net/ipv4/tcp_timer.c, tcp_keepalive_timer).
    """
    if keepalive is None:
        return ()
    return (
        Timer("keepalive probe period", max(keepalive.idle, keepalive.interval), "silence"),
        Timer(
            "keepalive detection", keepalive.idle + keepalive.interval * keepalive.probes, "silence"
        ),
    )


@dataclass(frozen=True)
class FileBeside:
    """Mark of a field that names a file relative to the scenario file; the loader looks for it."""


BesideScenario = Annotated[str, FileBeside()]
"""A file of the user's, named relative to the scenario file."""
