"""What the faults share that are about the program on an endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from halfopen.fields import Endpoint
from halfopen.ports import Fault
from halfopen.verbs import SignalProgram, Verb


class EndpointFault(Fault):
    """A fault of what is on one endpoint.

    Attributes:
        at: the endpoint that the program runs on.
    """

    at: Endpoint


class SignalFault(EndpointFault):
    """A fault that sends the program on a host one signal."""

    uses = (SignalProgram,)
    touches = ("processes",)
    signal: ClassVar[str]

    def verbs(self) -> Sequence[Verb]:
        """One signal."""
        return (SignalProgram(self.at, self.signal),)
