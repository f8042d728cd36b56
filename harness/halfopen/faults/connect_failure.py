"""The fault `connect failure`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from halfopen.faults._blocks import BlockFault
from halfopen.packet_faults import Manner

_MANNERS: dict[str, Manner] = {
    "reset": "reset",
    "host unreachable": "unreachable",
    "time-out": "drop",
}


class ConnectFailure(BlockFault):
    """New connections fail; existing ones continue.

    They are refused, as by a host that does not listen (RST); they are answered with ICMP, as by
    a router that cannot reach the host; or they time out, as behind a firewall that drops.

    Attributes:
        at: the middlebox.
        towards: the host to which new connections fail; by default all do.
        with_: what the client gets: `reset` (ECONNREFUSED), `host unreachable` (EHOSTUNREACH) or
            `time-out` (nothing, ETIMEDOUT after its retransmissions).
    """

    name = "connect failure"
    summary = "new connections are refused, unreachable or time out; existing ones continue"

    with_: Literal["reset", "host unreachable", "time-out"] = Field(default="reset", alias="with")

    def manner(self) -> Manner:
        """As `with` says."""
        return _MANNERS[self.with_]

    def only_new(self) -> bool:
        """Known flows go on."""
        return True
