"""The fault `segment drop`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from halfopen.faults._blocks import BlockFault
from halfopen.packet_faults import SegmentKind
from halfopen.packet_faults.drop_segments import DropSegments
from halfopen.verbs import EndPacketFault, Verb


class SegmentDrop(BlockFault):
    """A middlebox silently drops TCP segments of one kind, or by their number.

    With `only: data` every handshake passes and nothing else does: whoever asks only whether a
    connection can be made sees a healthy server, as behind an inspection engine that hangs.  The
    first few are lost where a box must first learn a route, and every nth where one of the links
    of a bundle is broken.

    Attributes:
        at: the middlebox.
        towards: the host towards which segments are dropped; in both directions by default.
        only: segments that are SYN and not ACK (`syn`), both (`syn-ack`), that carry `data`, or
            that have the flag FIN (`fin`) or RST (`rst`); by default every packet.
        first: drop only this number of them, the first since the fault began.
        every: only each nth of them: with 3 the third, the sixth and so on.
    """

    name = "segment drop"
    summary = "a middlebox silently drops one kind of TCP segment, the first few, or every nth"
    uses = (DropSegments, EndPacketFault)

    only: SegmentKind | None = None
    first: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    every: Annotated[int, Field(ge=2, le=1_000_000)] | None = None

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if self.first is not None and self.every is not None:
            raise ValueError("segment drop takes `first` or `every`, not both; leave one out")
        if self.only is None and self.first is None and self.every is None:
            raise ValueError(
                "segment drop needs `only`, `first` or `every`; to drop all, write `silent drop`"
            )
        return self

    def verbs(self) -> Sequence[Verb]:
        """One that drops segments."""
        name = self._block_name()
        return (
            DropSegments(
                self.at, name, self.towards, only=self.only, first=self.first, every=self.every
            ),
        )

    def _block_name(self) -> str:
        """Another for each kind: several may be active at once."""
        return f"{super()._block_name()} only {self.only or 'any'}"
