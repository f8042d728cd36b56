"""The fault `table full`."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.fields import MiddleboxHost
from halfopen.packet_faults.block import Block
from halfopen.ports import Fault
from halfopen.verbs import EndPacketFault, Verb


class TableFull(Fault):
    """The table of a middlebox is full: known flows continue, new ones are dropped.

    Linux logs "nf_conntrack: table full, dropping packet" then; a connection attempt times out.

    Attributes:
        at: the middlebox.
    """

    name = "table full"
    summary = "a middlebox keeps known flows and silently drops packets that would start a new one"
    uses = (Block, EndPacketFault)
    touches = ("packets",)

    at: MiddleboxHost

    def verbs(self) -> Sequence[Verb]:
        """Block what is new."""
        return (Block(self.at, self.name, only_new=True),)

    def heal(self) -> Sequence[Verb]:
        """There is room again."""
        return (EndPacketFault(self.at, self.name),)
