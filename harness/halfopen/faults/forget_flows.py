"""The middlebox loses its table, as when an operator clears the sessions or a standby takes over.

It tells nobody: what then arrives of an old flow is a late packet, and the profile says what
happens to it.
"""

from __future__ import annotations

from halfopen.fields import Section
from halfopen.ports import FaultSpec
from halfopen.verbs import ForgetFlows


class ForgetFlowsParams(Section):
    """Parameters of `forget flows`.

    Attributes:
        at: the middlebox.
        of: the host whose flows (those that it opened) are lost; all by default.
    """

    at: str
    of: str | None = None


def _verbs(params: ForgetFlowsParams) -> tuple[ForgetFlows, ...]:
    return (ForgetFlows(at=params.at, client=params.of),)


FAULT = FaultSpec(
    name="forget flows",
    summary="a middlebox silently loses its entries, of all flows or of one host's",
    params=ForgetFlowsParams,
    verbs=_verbs,
    middleboxes=lambda params: (params.at,),
    endpoints=lambda params: () if params.of is None else (params.of,),
)
