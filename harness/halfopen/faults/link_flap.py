"""A link goes down and up again and again, as with a bad plug or a port that negotiates anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from halfopen.faults._pairs import PairParams
from halfopen.fields import Duration
from halfopen.ports import FaultSpec
from halfopen.verbs import SetLink

_Some = Annotated[Duration, Field(gt=0)]


class LinkFlapParams(PairParams):
    """Parameters of `link flap`.

    Attributes:
        between: two neighbours.
        down: how long the link is down each time.
        up: how long it is up between two times.
        times: how often it goes down; it is up in the end.
    """

    down: _Some
    up: _Some
    times: int = Field(default=3, ge=1, le=1000)


def _later(params: LinkFlapParams) -> Sequence[tuple[float, SetLink]]:
    period = params.down + params.up
    changes = []
    for time in range(params.times):
        if time:
            changes.append((time * period, SetLink(params.between, up=False)))
        changes.append((time * period + params.down, SetLink(params.between, up=True)))
    return changes


FAULT = FaultSpec(
    name="link flap",
    summary="the link between two neighbours goes down and up again, several times",
    params=LinkFlapParams,
    verbs=lambda params: (SetLink(params.between, up=False),),
    schedule=_later,
    heal=lambda params: (SetLink(params.between, up=True),),
    neighbours=lambda params: (params.between,),
)
