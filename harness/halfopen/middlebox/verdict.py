"""What a flow table says of a packet, and whom it tells what becomes of flows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal, Protocol

from halfopen.middlebox.flow import TrackedFlow
from halfopen.middlebox.packet import Packet, Side


class PacketAction(Enum):
    """What becomes of a packet."""

    PASS = "pass"
    DROP = "drop"
    RESET = "reset"


@dataclass(frozen=True)
class Sent:
    """A packet that the middlebox sends by itself, to a host on that side."""

    to: Side
    packet: Packet


@dataclass(frozen=True)
class PacketVerdict:
    """What becomes of a packet.

    Attributes:
        action: passed on, dropped, or dropped and answered with RST.
        packet: as it goes on, if it does.
        sent: what the middlebox sends by itself, this packet's RST included.
        reason: why, in a few words.
        flow: the entry that it belongs to now, None if to none.
    """

    action: PacketAction
    packet: Packet | None
    sent: tuple[Sent, ...]
    reason: str
    flow: TrackedFlow | None


NO_ROOM = frozenset({"table full", "too many flows of a source", "no addresses left"})
"""Reasons for which a new flow does not begin though its packet is as it should be."""

Cause = Literal["expired", "lifetime", "closed", "forgotten", "evicted"]
"""Why a flow is known no more: silence; its age; its ends had closed it; a fault; want of room."""


class FlowListener(Protocol):
    """Is told what becomes of flows."""

    def created(self, flow: TrackedFlow, /) -> None:
        """It is known from now on."""

    def ended(self, flow: TrackedFlow, cause: Cause, /) -> None:
        """It is known no more."""
