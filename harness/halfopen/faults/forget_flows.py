"""The middlebox loses entries, as when an operator clears sessions or a standby takes over.

It tells nobody: what then arrives of an old flow is a late packet, and the profile says what
happens to it.
"""

from __future__ import annotations

from pydantic import Field

from halfopen.fields import Section
from halfopen.ports import FaultSpec
from halfopen.verbs import ForgetFlows


class ForgetFlowsParams(Section):
    """Parameters of `forget flows`.

    Attributes:
        at: the middlebox.
        of: the host whose flows (those that it opened) are lost; all by default.
        every: only every n-th of them, the oldest is the first.
        most: at most so many, the oldest first; 1 for one flow.
    """

    at: str
    of: str | None = None
    every: int = Field(default=1, ge=1, le=1_000_000)
    most: int | None = Field(default=None, ge=1, le=1_000_000)


def _verbs(params: ForgetFlowsParams) -> tuple[ForgetFlows, ...]:
    return (ForgetFlows(params.at, params.of, params.every, params.most),)


FAULT = FaultSpec(
    name="forget flows",
    summary="a middlebox silently loses its entries: one flow, some, or all",
    params=ForgetFlowsParams,
    verbs=_verbs,
    middleboxes=lambda params: (params.at,),
    endpoints=lambda params: () if params.of is None else (params.of,),
)
