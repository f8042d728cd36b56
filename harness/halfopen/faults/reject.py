"""The fault `reject`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from halfopen.faults._blocks import BlockFault
from halfopen.packet_faults import Manner


class Reject(BlockFault):
    """A middlebox refuses packets and says so, as a firewall with a reject rule does.

    Attributes:
        at: the middlebox.
        towards: the host towards which packets are refused; in both directions by default.
        with_: what the sender of a packet gets: `reset` (RST, RFC 9293) or `host unreachable`
            (ICMP type 3 code 1, RFC 792).
    """

    name = "reject"
    summary = "a middlebox answers every packet with RST, or with ICMP host unreachable"

    with_: Literal["reset", "host unreachable"] = Field(default="reset", alias="with")

    def manner(self) -> Manner:
        """As `with` says."""
        return "reset" if self.with_ == "reset" else "unreachable"
