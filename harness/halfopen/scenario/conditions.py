"""Conditions, as a scenario writes them: `500 acked`, `queue depth at sender > 1000`.

A condition holds a figure of the running scenario against a number.  What the figures are is said
in :data:`FIGURES`; the runner computes them from the records of the run
(:mod:`halfopen.runner.conditions`).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from halfopen.fields import DURATION_SCHEMA, Scaled, read_duration
from halfopen.sections import suggest

HostKind = Literal["endpoint", "middlebox"]


@dataclass(frozen=True)
class ConditionFigure:
    """Something that can be counted while a scenario runs.

    Attributes:
        meaning: one line.
        place: the kind of host that it is counted at.
        everywhere: without `at HOST` it is counted at all hosts together.
        messages: it can never be more than the messages that are sent.
    """

    meaning: str
    place: HostKind
    everywhere: bool = False
    messages: bool = False


FIGURES: Mapping[str, ConditionFigure] = {
    "sent": ConditionFigure("messages written to a sender's input", "endpoint", True, True),
    "accepted": ConditionFigure("messages that a sender's queue accepted", "endpoint", True, True),
    "acked": ConditionFigure("messages that were acknowledged to a sender", "endpoint", True, True),
    "delivered": ConditionFigure(
        "messages in a receiver's output, each counted once", "endpoint", True, True
    ),
    "queue depth": ConditionFigure("messages accepted and not acked yet", "endpoint", True, True),
    "connections": ConditionFigure("sockets in ESTABLISHED in the last sample", "endpoint"),
    "fds": ConditionFigure("file descriptors of all programs in the last sample", "endpoint"),
    "flows": ConditionFigure("entries of a middlebox in the last sample", "middlebox"),
    "event": ConditionFigure("occurrences of this event in a program's structured log", "endpoint"),
}
"""What a condition can be about.  All counts are from the beginning of the run."""

RELATIONS: Mapping[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}

_MESSAGES = ("sent", "accepted", "acked", "delivered")
_HOST = r"(?:\s+at\s+(?P<host>[^\s<>=]+))?"
_NAMES = "|".join(name for name in FIGURES if name != "event")
_COUNTED = re.compile(rf"(?P<number>\d{{1,9}})\s+(?:messages?\s+)?(?P<figure>[a-z ]+?){_HOST}")
_COMPARED = re.compile(
    rf"(?P<figure>[a-z ]+?){_HOST}\s*(?P<relation>>=|<=|>|<|=)\s*(?P<number>\d{{1,9}})"
)
_EVENT = re.compile(
    r"(?:(?P<number>\d{1,9})\s+)?events?\s+(?P<event>[A-Za-z0-9][A-Za-z0-9._-]{0,60})"
    r"\s+at\s+(?P<host>\S+)"
)
_EXAMPLES = ["500 acked", "queue depth at sender > 1000", "event session-lost at sender"]
_WRITE = f"write for example {', '.join(_EXAMPLES[:-1])} or {_EXAMPLES[-1]}"


@dataclass(frozen=True)
class Condition:
    """A figure held against a number.

    Attributes:
        figure: one of :data:`FIGURES`.
        relation: one of :data:`RELATIONS`.
        number: what the figure is held against.
        host: where it is counted; None for all hosts together.
        event: name of the event, for the figure `event`.
    """

    figure: str
    relation: str
    number: int
    host: str | None = None
    event: str = ""

    def holds(self, value: int) -> bool:
        """True if the figure's `value` is what is waited for."""
        return RELATIONS[self.relation](value, self.number)

    def __str__(self) -> str:
        where = f" at {self.host}" if self.host else ""
        if self.figure == "event":
            many = f"{self.number} events" if self.number != 1 else "event"
            return f"{many} {self.event}{where}"
        if self.relation == ">=" and self.figure in _MESSAGES:
            return f"{self.number} {self.figure}{where}"
        return f"{self.figure}{where} {self.relation} {self.number}"


def parse_condition(text: str) -> Condition:
    """The condition that `text` says.

    Raises:
        ValueError: with a sentence that says what would be right.
    """
    words = " ".join(text.split())
    if match := _EVENT.fullmatch(words):
        number = int(match["number"] or 1)
        if not number:
            raise ValueError(f"{text!r} always holds; write 1 or more")
        return Condition("event", ">=", number, match["host"], match["event"])
    match = _COUNTED.fullmatch(words) or _COMPARED.fullmatch(words)
    if match is None:
        raise ValueError(f"{text!r} is not a condition; {_WRITE}")
    figure, number = match["figure"], int(match["number"])
    if figure not in FIGURES or figure == "event":
        raise ValueError(
            f"{text!r} has an unknown figure: {figure!r}; "
            + suggest(figure, FIGURES, "available figures")
        )
    condition = Condition(figure, match.groupdict().get("relation") or ">=", number, match["host"])
    if condition.host is None and not FIGURES[figure].everywhere:
        raise ValueError(f"{text!r} does not say where; add `at HOST`")
    if condition.relation == ">=" and not number:
        raise ValueError(f"{text!r} always holds; write 1 or more")
    if condition.relation == "<" and not number:
        raise ValueError(f"{text!r} can never hold; write = 0")
    return condition


def _read(value: object) -> Condition:
    if isinstance(value, Condition):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a condition; {_WRITE}")
    return parse_condition(value)


ConditionField = Annotated[
    Condition,
    PlainValidator(_read),
    PlainSerializer(str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^\s*(\d+\s+(messages?\s+)?({_NAMES})(\s+at\s+\S+)?"
            rf"|({_NAMES})(\s+at\s+[^\s<>=]+)?\s*(>=|<=|>|<|=)\s*\d+"
            r"|(\d+\s+)?events?\s+\S+\s+at\s+\S+)\s*$",
            "examples": [
                "500 acked",
                "queue depth at sender > 1000",
                "event session-lost at sender",
            ],
        }
    ),
]
"""A :class:`Condition` in a scenario file."""

AT_MOST_S = 300.0
"""Production seconds that a condition may take if a step says nothing else."""

AT_MOST_SCALED = Scaled(least=30.0)
"""What is waited for is done by programs, in real time: a deadline never shrinks below this."""

AtMost = Annotated[
    float,
    BeforeValidator(read_duration),
    Field(gt=0),
    AT_MOST_SCALED,
    WithJsonSchema(DURATION_SCHEMA),
]
"""Production seconds that a condition may take."""
