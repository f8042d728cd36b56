"""A host loses its route to another: it refuses by itself what should go there.

On the host itself, connect(2) and send(2) then fail with ENETUNREACH or EHOSTUNREACH; a router
tells the sender of a packet by ICMP (type 3, RFC 792).  TCP takes such an ICMP message for a
passing matter, and goes on with its repetitions (RFC 1122, section 4.2.3.9).
"""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, model_validator

from halfopen.fields import Section
from halfopen.ports import FaultSpec
from halfopen.verbs import SetRoute


class RouteLostParams(Section):
    """Parameters of `route lost`.

    Attributes:
        at: the host that loses its route; any, but no neighbour of the other.
        towards: the host to which the route leads.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"at": "firewall", "towards": "sender"}]}
    )

    at: str
    towards: str

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.at == self.towards:
            raise ValueError("a route leads to another host; name two")
        return self


FAULT = FaultSpec(
    name="route lost",
    summary="a host has no route to another any more",
    params=RouteLostParams,
    verbs=lambda params: (SetRoute(params.at, params.towards, present=False),),
    heal=lambda params: (SetRoute(params.at, params.towards, present=True),),
    anywhere=lambda params: (params.at, params.towards),
)
