"""What a middlebox can do to packets: a packet fault is one class in one file.

The class is the verb that a lab is told, says what becomes of a packet (:class:`Behaviour`, for the
userspace engine), and, where the kernel can do it too, the nftables rule for it
(:class:`KernelPacketFault`).  A module here that defines one is found by itself; it runs inside a
lab, so it must not import pydantic.
"""

from __future__ import annotations

import sys
from functools import cache

from halfopen import registry
from halfopen.packet_faults._packet_fault import (
    KernelPacketFault,
    Manner,
    PacketFault,
    SegmentKind,
)


@cache
def all_packet_faults() -> tuple[type[PacketFault], ...]:
    """Every packet fault, in the order of their class names."""
    found = registry.classes(sys.modules[__name__], PacketFault)  # type: ignore[type-abstract]
    return tuple(sorted(found, key=lambda kind: kind.__name__))


__all__ = ["KernelPacketFault", "Manner", "PacketFault", "SegmentKind", "all_packet_faults"]
