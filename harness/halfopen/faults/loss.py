"""The fault `loss`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from halfopen.faults._impairments import ImpairFault
from halfopen.fields import Share
from halfopen.packet_faults.block import Block
from halfopen.packet_faults.impair import Impair
from halfopen.verbs import EndPacketFault, Verb


class Loss(ImpairFault):
    """Some packets are lost: each independently by chance, or several in a row.

    Attributes:
        share: of the packets, to a thousandth.
        bursts_of: packets that are lost in a row, on average; by default each is lost by itself.
    """

    name = "loss"
    summary = "a middlebox loses some packets, independently or several in a row"
    uses = (Block, Impair, EndPacketFault)

    share: Share
    bursts_of: Annotated[int, Field(ge=2, le=1000)] | None = None

    def _impairment_name(self) -> str:
        """Another one for bursts: both may be active at once."""
        return f"{super()._impairment_name()}{' in bursts' if self.bursts_of else ''}"

    def impairment(self) -> Mapping[str, Any]:
        """Lose several in a row."""
        return {"loss": self.share, "burst": float(self.bursts_of or 1)}

    def verbs(self) -> Sequence[Verb]:
        """A block of a share, which every engine can do; an impairment for bursts."""
        if self.bursts_of is not None:
            return super().verbs()
        name = self._impairment_name()
        return (Block(self.at, name, self.towards, self.of, share=self.share),)

    def heal(self) -> Sequence[Verb]:
        """Its end."""
        if self.bursts_of is not None:
            return super().heal()
        return (EndPacketFault(self.at, self._impairment_name()),)
