"""Steps of a plan: one type for each kind, with every value settled.

All durations are seconds of *lab* time.  As JSON a step is an object whose `kind` names its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, assert_never

from halfopen.model.messages import DEFAULT, MessageShape


@dataclass(frozen=True, kw_only=True)
class _Step:
    """What all steps have.

    Attributes:
        text: the step in words with production values, as reports show it.
        line: in the scenario file.
    """

    text: str
    line: int = 0


@dataclass(frozen=True, kw_only=True)
class PlannedSend(_Step):
    """Messages to send.

    Attributes:
        host: whose program sends them.
        count: how many.
        every: seconds between two messages, 0 for as fast as they go.
        background: the next step does not wait until the messages are written.
        form: severity and size of the messages.
    """

    host: str
    count: int
    every: float = 0.0
    background: bool = False
    form: MessageShape = DEFAULT
    kind: Literal["send"] = "send"


@dataclass(frozen=True, kw_only=True)
class PlannedWait(_Step):
    """A pause, in seconds."""

    seconds: float
    kind: Literal["wait"] = "wait"


@dataclass(frozen=True, kw_only=True)
class PlannedWaitUntil(_Step):
    """A wait for a condition.

    Attributes:
        until: the condition, as :func:`halfopen.scenario.conditions.parse_condition` reads it.
        at_most: seconds that it may take to come true.
    """

    until: str
    at_most: float
    kind: Literal["wait until"] = "wait until"


@dataclass(frozen=True, kw_only=True)
class PlannedInject(_Step):
    """A fault to inject.

    Attributes:
        name: of the fault.
        params: its parameters; plain JSON.
        lasts: seconds after which it is healed, 0 if a step or the end does so.
        stays: it is not healed at the end.
        options: for a fault that changes the options of a host: all that the host has then.
        when: condition that must be met before it begins; None for at once.
        background: with `when`: the next step does not wait for it.
        until: condition on which it is healed, or None.
        at_most: seconds that `when`, and then `until`, may take to come true; 0 without either.
        may_miss: it may touch nothing.
    """

    name: str
    params: Mapping[str, Any]
    lasts: float = 0.0
    stays: bool = False
    options: Mapping[str, Any] | None = None
    when: str | None = None
    background: bool = False
    until: str | None = None
    at_most: float = 0.0
    may_miss: bool = False
    kind: Literal["inject"] = "inject"


@dataclass(frozen=True, kw_only=True)
class PlannedHeal(_Step):
    """Heal every open fault called `name`."""

    name: str
    kind: Literal["heal"] = "heal"


@dataclass(frozen=True, kw_only=True)
class PlannedStop(_Step):
    """Stop the program on `host` in an orderly way."""

    host: str
    kind: Literal["stop"] = "stop"


@dataclass(frozen=True, kw_only=True)
class PlannedStart(_Step):
    """Start the program on `host` again."""

    host: str
    kind: Literal["start"] = "start"


PlannedStep = (
    PlannedSend
    | PlannedWait
    | PlannedWaitUntil
    | PlannedInject
    | PlannedHeal
    | PlannedStop
    | PlannedStart
)
"""One thing to do."""

_KINDS: Mapping[str, type[PlannedStep]] = {
    "send": PlannedSend,
    "wait": PlannedWait,
    "wait until": PlannedWaitUntil,
    "inject": PlannedInject,
    "heal": PlannedHeal,
    "stop": PlannedStop,
    "start": PlannedStart,
}


def step_from_json(data: Mapping[str, Any]) -> PlannedStep:
    """The step that was written as `data`.

    Raises:
        ValueError: for an unknown kind, and for a field that is missing or unknown.
    """
    definition = _KINDS.get(data.get("kind", ""))
    if definition is None:
        raise ValueError(f"unknown kind of step {data.get('kind')!r}; known: {', '.join(_KINDS)}")
    values = dict(data)
    if definition is PlannedSend and "form" in values:
        values["form"] = MessageShape(**values["form"])
    try:
        return definition(**values)
    except TypeError as error:
        raise ValueError(f"step {values['kind']!r}: {error}") from None


def seconds_of(step: PlannedStep, share_of_deadline: float = 0.0) -> float:
    """About how many seconds a step keeps the next one waiting.

    Args:
        step: of a plan.
        share_of_deadline: part of the longest time that a condition may take, which is counted
            for it; nobody knows when it comes true.
    """
    match step:
        case PlannedSend():
            return 0.0 if step.background else step.count * step.every
        case PlannedWait():
            return step.seconds
        case PlannedWaitUntil() | PlannedInject():
            return share_of_deadline * step.at_most
        case PlannedHeal() | PlannedStop() | PlannedStart():
            return 0.0
        case _:
            assert_never(step)


def names_step(words: str, text: str) -> bool:
    """True if `words` are the text of a step, or the first words of it."""
    return text == words or (text.startswith(words) and not text[len(words)].isalnum())
