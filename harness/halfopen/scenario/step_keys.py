"""The keys of each kind of step."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from halfopen.fields import Bytes, Messages, PositiveDuration, Section
from halfopen.model.messages import DEFAULT
from halfopen.scenario.conditions import AT_MOST_S, AtMost, ConditionField


class SendStep(Section):
    """`- send: 20 messages`."""

    send: Messages
    every: PositiveDuration | None = None
    from_: str | None = Field(default=None, alias="from")
    background: bool = False
    severity: int = Field(default=DEFAULT.severity, ge=0, le=7)
    size: Annotated[Bytes, Field(ge=100, le=8000)] = DEFAULT.size


class WaitStep(Section):
    """`- wait: 75 min`."""

    wait: PositiveDuration


class WaitUntilStep(Section):
    """`- wait until: 20 delivered`."""

    wait_until: ConditionField
    at_most: AtMost = AT_MOST_S


class StopStep(Section):
    """`- stop: sender`: ends the program on a host in an orderly way."""

    stop: str


class StartStep(Section):
    """`- start: sender`: starts it again."""

    start: str


class HealStep(Section):
    """`- heal: silent drop`: ends every open fault of that name."""

    heal: str


class FaultStep(Section):
    """What every `- fault: ...` may say beside the fault's own parameters.

    Attributes:
        when: it begins as soon as this is so; the step waits for that.
        background: with `when`: the steps go on meanwhile.
        for_: it is healed after so long.
        until: it is healed as soon as this is so; the steps go on meanwhile.
        at_most: how long `when`, and then `until`, may take to come true.
        stays: it is not healed before the end is judged.
        may_miss: it may touch nothing: else a run in which it did is *unknown*.
    """

    when: ConditionField | None = None
    background: bool = False
    for_: PositiveDuration | None = Field(default=None, alias="for")
    until: ConditionField | None = None
    at_most: AtMost = AT_MOST_S
    stays: bool = False
    may_miss: bool = False


class InstantStep(Section):
    """What `- fault: ...` may say of a fault that is over at once, and has nothing to heal."""

    when: ConditionField | None = None
    background: bool = False
    at_most: AtMost = AT_MOST_S
    may_miss: bool = False


PlainStep = SendStep | WaitStep | WaitUntilStep | StopStep | StartStep
"""Steps whose keys are all that they say."""

STEPS: dict[str, type[PlainStep]] = {
    "send": SendStep,
    "wait": WaitStep,
    "wait until": WaitUntilStep,
    "stop": StopStep,
    "start": StartStep,
}
KINDS = (*STEPS, "fault", "heal")
