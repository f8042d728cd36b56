"""A NAT loses a mapping, and the flow gets another port: the server sees a stranger.

The client notices nothing and goes on; to the server its packets belong to no connection, and it
answers them with RST (RFC 9293, section 3.10.7.1).
"""

from __future__ import annotations

from halfopen.fields import Section
from halfopen.ports import FaultSpec
from halfopen.verbs import Rebind


class NatRebindingParams(Section):
    """Parameters of `nat rebinding`.

    Attributes:
        at: the middlebox, which must translate sources (`nat: source`).
        of: the host whose flows get other ports; all by default.
    """

    at: str
    of: str | None = None


FAULT = FaultSpec(
    name="nat rebinding",
    summary="a NAT gives flows other ports, and the server sees strangers",
    params=NatRebindingParams,
    verbs=lambda params: (Rebind(params.at, params.of),),
    middleboxes=lambda params: (params.at,),
    endpoints=lambda params: () if params.of is None else (params.of,),
)
