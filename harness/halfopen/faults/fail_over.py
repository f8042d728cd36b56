"""A pair of middleboxes fails over: the standby takes over after a moment, with the table or not.

It has the addresses of the one before; what it does not have is what was not synchronised.  A
pair that does not synchronise sessions forgets them all, and new connections go on at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from halfopen.fields import Duration, Section
from halfopen.ports import FaultSpec
from halfopen.verbs import Block, ForgetFlows, Unblock, Verb

_NAME = "fail-over"


class FailOverParams(Section):
    """Parameters of `fail-over`.

    Attributes:
        at: the middlebox.
        state: `lost`: the standby knows no flow; `kept`: all of them.
        takes: until the standby has taken over; nothing gets through meanwhile.
    """

    at: str
    state: Literal["lost", "kept"] = "lost"
    takes: Annotated[Duration, Field(gt=0)] = 3.0


def _verbs(params: FailOverParams) -> Sequence[Verb]:
    dead: tuple[Verb, ...] = (Block(params.at, _NAME),)
    return (*dead, ForgetFlows(params.at)) if params.state == "lost" else dead


def _later(params: FailOverParams) -> Sequence[tuple[float, Verb]]:
    return ((params.takes, Unblock(params.at, _NAME)),)


FAULT = FaultSpec(
    name=_NAME,
    summary="the standby of a middlebox takes over, with or without its table",
    params=FailOverParams,
    verbs=_verbs,
    schedule=_later,
    middleboxes=lambda params: (params.at,),
)
