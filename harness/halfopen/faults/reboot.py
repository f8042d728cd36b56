"""The fault `reboot`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from halfopen.fields import MiddleboxHost
from halfopen.packet_faults.block import Block
from halfopen.ports import Fault
from halfopen.verbs import EndPacketFault, ForgetFlows, Verb


class Reboot(Fault):
    """A middlebox reboots, and comes back with or without its table.

    Attributes:
        at: the middlebox; nothing gets through until it is healed.
        state: `lost`: it comes back with an empty table; `kept`: with its table.
    """

    name = "reboot"
    summary = "a middlebox is down for a while, and comes back with or without its table"
    uses = (Block, ForgetFlows, EndPacketFault)
    touches = ("packets", "flows")

    at: MiddleboxHost
    state: Literal["lost", "kept"] = "lost"

    def verbs(self) -> Sequence[Verb]:
        """Nothing gets through; perhaps the table is gone."""
        dead = Block(self.at, self.name)
        return (dead, ForgetFlows(self.at)) if self.state == "lost" else (dead,)

    def heal(self) -> Sequence[Verb]:
        """It is back."""
        return (EndPacketFault(self.at, self.name),)
