"""The fault `partition`."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.fields import Link
from halfopen.ports import Fault
from halfopen.verbs import CutLink, Verb


class Partition(Fault):
    """The network is partitioned: hosts on the two sides of a link cannot reach each other.

    Nothing crosses the link, neither ICMP nor ARP, but no interface goes down: unlike with
    `link down`, neither side is notified.  Unlike with a silent drop at a middlebox, the
    middlebox is on one of the sides, and still knows its flows.

    Attributes:
        between: two neighbours.
    """

    name = "partition"
    summary = "no packet crosses the link between two neighbours, and neither is notified"
    uses = (CutLink,)
    touches = ("packets",)

    between: Link

    def verbs(self) -> Sequence[Verb]:
        """Cut it."""
        return (CutLink(self.between, cut=True),)

    def heal(self) -> Sequence[Verb]:
        """Join it again."""
        return (CutLink(self.between, cut=False),)
