"""Long packets vanish, short ones get through: an MTU black hole.

A link in between carries less than the ends think, and the ICMP message that should say so
("fragmentation needed", RFC 1191; "packet too big", RFC 8201) is lost or filtered.  A connection
comes about, small messages pass, and the first long one hangs it (RFC 2923, section 2.1).
"""

from __future__ import annotations

from pydantic import Field

from halfopen.faults._blocks import BlockParams, block_fault


class MtuParams(BlockParams):
    """Parameters of `mtu black hole`.

    Attributes:
        at: the middlebox.
        towards: the host towards which long packets vanish; in both directions by default.
        mtu: octets of the longest packet that gets through, IP header included.
    """

    mtu: int = Field(ge=68, le=65535)


FAULT = block_fault(
    "mtu black hole",
    "a middlebox silently drops every packet longer than an MTU that the ends do not know",
    MtuParams,
    manner=lambda _: "drop",
    longer_than=lambda params: int(params.mtu),
)
