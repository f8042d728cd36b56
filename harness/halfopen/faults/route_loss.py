"""The fault `route loss`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import model_validator

from halfopen.fields import AnyHost
from halfopen.ports import Fault
from halfopen.verbs import SetRoute, Verb


class RouteLoss(Fault):
    """A host loses its route to another: it refuses packets to that host by itself.

    On the host itself, connect(2) and send(2) then fail with ENETUNREACH or EHOSTUNREACH; a router
    tells the sender of a packet by ICMP (type 3, RFC 792).  TCP treats such an ICMP message as a
    transient condition, and keeps retransmitting (RFC 1122, section 4.2.3.9).

    Attributes:
        at: the host that loses its route; any, but not a neighbour of the other.
        towards: the host to which the route leads.
    """

    name = "route loss"
    summary = "a host no longer has a route to another"
    uses = (SetRoute,)
    touches = ("routes",)

    at: AnyHost
    towards: AnyHost

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.at == self.towards:
            raise ValueError("a route leads to another host; name two")
        return self

    def verbs(self) -> Sequence[Verb]:
        """Lose it."""
        return (SetRoute(self.at, self.towards, present=False),)

    def heal(self) -> Sequence[Verb]:
        """Have it again."""
        return (SetRoute(self.at, self.towards, present=True),)
