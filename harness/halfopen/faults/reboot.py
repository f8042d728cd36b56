"""A middlebox reboots, or fails over to a standby that has, or has not, its state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from halfopen.fields import Section
from halfopen.ports import FaultSpec
from halfopen.verbs import Block, ForgetFlows, Unblock, Verb

_NAME = "reboot"


class RebootParams(Section):
    """Parameters of `reboot`.

    Attributes:
        at: the middlebox; nothing gets through until it is healed.
        state: `lost`: it comes back with an empty table; `kept`: with all that it knew.
    """

    at: str
    state: Literal["lost", "kept"] = "lost"


def _verbs(params: RebootParams) -> Sequence[Verb]:
    dead: tuple[Verb, ...] = (Block(params.at, _NAME),)
    return (*dead, ForgetFlows(params.at)) if params.state == "lost" else dead


FAULT = FaultSpec(
    name=_NAME,
    summary="a middlebox is gone for a while, and comes back with or without its table",
    params=RebootParams,
    verbs=_verbs,
    heal=lambda params: (Unblock(params.at, _NAME),),
    middleboxes=lambda params: (params.at,),
)
