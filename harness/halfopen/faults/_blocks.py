"""What the faults share that make a middlebox keep packets from getting through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from halfopen.fields import Endpoint, MiddleboxHost
from halfopen.packet_faults import Manner
from halfopen.packet_faults.block import Block
from halfopen.ports import Fault
from halfopen.verbs import EndPacketFault, Verb


class BlockFault(Fault):
    """A fault that is one block, healed by removing it.

    Attributes:
        at: the middlebox.
        towards: the host towards which packets are blocked; in both directions by default.
    """

    uses: ClassVar[tuple[type[Verb], ...]] = (Block, EndPacketFault)
    touches = ("packets",)

    at: MiddleboxHost
    towards: Endpoint | None = None

    def manner(self) -> Manner:
        """What becomes of a blocked packet."""
        return "drop"

    def only_new(self) -> bool:
        """Whether only packets that would begin a flow are blocked."""
        return False

    def longer_than(self) -> int | None:
        """Only packets of more bytes are blocked, IP header included; None for all."""
        return None

    def verbs(self) -> Sequence[Verb]:
        """One block."""
        return (
            Block(
                self.at,
                self._block_name(),
                self.towards,
                manner=self.manner(),
                only_new=self.only_new(),
                longer_than=self.longer_than(),
            ),
        )

    def heal(self) -> Sequence[Verb]:
        """Its end."""
        return (EndPacketFault(self.at, self._block_name()),)

    def _block_name(self) -> str:
        return f"{self.name} towards {self.towards or 'both'}"
