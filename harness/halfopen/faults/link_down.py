"""The fault `link down`."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.fields import Link
from halfopen.ports import Fault
from halfopen.verbs import SetLink, Verb


class LinkDown(Fault):
    """The link between two neighbours is down at both ends, as when a cable is pulled.

    Unlike a silent drop, both neighbours know at once: the interface is down, and packets for it
    are refused by the host's own kernel.

    Attributes:
        between: two neighbours.
    """

    name = "link down"
    summary = "the link between two neighbours is down at both ends, as when a cable is pulled"
    uses = (SetLink,)
    touches = ("links",)

    between: Link

    def verbs(self) -> Sequence[Verb]:
        """Down."""
        return (SetLink(self.between, up=False),)

    def heal(self) -> Sequence[Verb]:
        """Up."""
        return (SetLink(self.between, up=True),)
