"""The fault `mtu black hole`."""

from __future__ import annotations

from pydantic import Field

from halfopen.faults._blocks import BlockFault


class MtuBlackHole(BlockFault):
    """Long packets vanish, short ones get through: an MTU black hole.

    A link in between carries less than the ends think, and the ICMP message that should say so
    ("fragmentation needed", RFC 1191; "packet too big", RFC 8201) is lost or filtered.  A
    connection opens, small messages pass, and the first long one hangs it (RFC 2923, section 2.1).

    Attributes:
        at: the middlebox.
        towards: the host towards which long packets vanish; in both directions by default.
        mtu: bytes of the longest packet that gets through, IP header included.
    """

    name = "mtu black hole"
    summary = "a middlebox silently drops every packet longer than an MTU that the ends ignore"

    mtu: int = Field(ge=68, le=65535)

    def longer_than(self) -> int | None:
        """The MTU."""
        return self.mtu
