"""The fault `dns failure`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from halfopen.faults._programs import EndpointFault
from halfopen.verbs import SetDnsBehaviour, Verb


class DnsFailure(EndpointFault):
    """A host cannot look up names, or gets a wrong address.

    Every endpoint has a resolver of its own; its programs find the other hosts under their names in
    the scenario (`receiver`, and `receiver.test`, RFC 6761).  It is this resolver that fails.

    Attributes:
        at: the endpoint that looks names up.
        with_: `refused` (RCODE 5), `no such name` (RCODE 3, NXDOMAIN; both RFC 1035), `silent`: no
            answer; `wrong address`: that of a machine which does not exist, as in a stale entry.
    """

    name = "dns failure"
    summary = (
        "a host's resolver refuses, finds no name, does not answer, or returns a wrong address"
    )
    uses = (SetDnsBehaviour,)
    touches = ("lookups",)

    with_: Literal["refused", "no such name", "silent", "wrong address"] = Field(
        default="silent", alias="with"
    )

    def verbs(self) -> Sequence[Verb]:
        """The resolver fails."""
        return (SetDnsBehaviour(self.at, self.with_),)

    def heal(self) -> Sequence[Verb]:
        """It answers rightly again."""
        return (SetDnsBehaviour(self.at, "right"),)
