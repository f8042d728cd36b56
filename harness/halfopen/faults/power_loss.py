"""The fault `power loss`."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.faults._programs import EndpointFault
from halfopen.verbs import LosePower, RestorePower, Verb


class PowerLoss(EndpointFault):
    """An endpoint loses power: it says nothing any more, and remembers no connection.

    Unlike `kill`, after which the kernel closes the program's connections with FIN or RST, nothing
    reaches the other end, which has to find out by itself.  Until the fault is healed, what is
    sent to the host vanishes; afterwards its kernel answers the segments of old connections with
    RST (RFC 9293, section 3.5.1), and its program is started again.  Its files are as the program
    wrote them, synced or not: what a disk loses with its power is not simulated.

    Attributes:
        at: the endpoint.
    """

    name = "power loss"
    summary = "an endpoint loses power: no FIN, no RST; healed, it starts again without connections"
    touches = ("processes", "connections")
    uses = (LosePower, RestorePower)

    def verbs(self) -> Sequence[Verb]:
        """Off."""
        return (LosePower(self.at),)

    def heal(self) -> Sequence[Verb]:
        """On."""
        return (RestorePower(self.at),)
