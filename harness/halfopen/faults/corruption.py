"""The fault `corruption`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from halfopen.faults._impairments import ImpairFault
from halfopen.fields import Share


class Corruption(ImpairFault):
    """One bit is flipped in some packets.

    The bit is one of TCP's header or of its data, and TCP's checksum, which detects every single
    bit (RFC 1071), stays as it was: the receiving kernel drops the packet, and it is sent again.

    Attributes:
        share: of the packets, each by chance.
    """

    name = "corruption"
    summary = "a middlebox flips one bit in some packets and leaves their checksum unchanged"

    share: Share

    def impairment(self) -> Mapping[str, Any]:
        """Flip a bit."""
        return {"corrupt": self.share}
