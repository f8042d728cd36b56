"""In a part of the packets one bit is turned on the way.

The bit is one of TCP's header or of its data, and TCP's checksum, which sees every single bit
(RFC 1071), stays as it was: the receiving kernel drops the packet, and it is sent again.
"""

from __future__ import annotations

from halfopen.faults._impairments import ImpairParams, impair_fault
from halfopen.fields import Share


class CorruptionParams(ImpairParams):
    """Parameters of `corruption`.

    Attributes:
        share: of the packets, each by chance.
    """

    share: Share


FAULT = impair_fault(
    "corruption",
    "a middlebox turns one bit in a part of the packets; their checksum is left as it was",
    CorruptionParams,
    how=lambda params: {"corrupt": params.share},
)
