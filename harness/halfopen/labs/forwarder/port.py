"""One of the two links of a middlebox, as the frames on it need to know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Port:
    """A link, seen from the middlebox.

    Attributes:
        own: MAC address of the middlebox's end.
        peer: that of the neighbour's end.
        mtu: bytes of an IP packet, at most.
        addresses: the middlebox's own on it, in bytes, by IP version.
    """

    own: bytes
    peer: bytes
    mtu: int
    addresses: Mapping[int, bytes]

    @property
    def header(self) -> bytes:
        """The MAC addresses of a frame that goes out here."""
        return self.peer + self.own
