"""The fault `failover`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from halfopen.fields import MiddleboxHost, PositiveDuration
from halfopen.packet_faults.block import Block
from halfopen.ports import Fault
from halfopen.verbs import EndPacketFault, ForgetFlows, Verb


class Failover(Fault):
    """A pair of middleboxes fails over: the standby takes over after a moment.

    It has the addresses of the one before; what it lacks is what was not synchronised.  A pair that
    does not synchronise sessions forgets them all, and new connections go on at once.

    Attributes:
        at: the middlebox.
        state: `lost`: the standby knows no flow; `kept`: all of them.
        takes: until the standby has taken over; nothing gets through meanwhile.
    """

    name = "failover"
    summary = "the standby of a middlebox takes over, with or without its table"
    uses = (Block, ForgetFlows, EndPacketFault)
    touches = ("packets", "flows")

    at: MiddleboxHost
    state: Literal["lost", "kept"] = "lost"
    takes: PositiveDuration = 3.0

    def verbs(self) -> Sequence[Verb]:
        """Nothing gets through; perhaps the table is gone."""
        dead = Block(self.at, self.name)
        return (dead, ForgetFlows(self.at)) if self.state == "lost" else (dead,)

    def schedule(self) -> Sequence[tuple[float, Verb]]:
        """The standby takes over."""
        return ((self.takes, EndPacketFault(self.at, self.name)),)
