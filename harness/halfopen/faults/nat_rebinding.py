"""The fault `nat rebinding`."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.fields import Endpoint, MiddleboxHost
from halfopen.ports import Fault
from halfopen.verbs import Rebind, Verb


class NatRebinding(Fault):
    """A NAT loses a mapping, and the flow gets another port, which the server does not know.

    The client notices nothing and goes on; to the server its packets belong to no connection, and
    it answers them with RST (RFC 9293, section 3.10.7.1).

    Attributes:
        at: the middlebox, which must translate sources (`nat: source`).
        of: the host whose flows get other ports; all by default.
    """

    name = "nat rebinding"
    summary = "a NAT assigns new ports to flows, which the server does not know"
    uses = (Rebind,)
    touches = ("flows",)

    at: MiddleboxHost
    of: Endpoint | None = None

    def verbs(self) -> Sequence[Verb]:
        """Rebind them."""
        return (Rebind(self.at, self.of),)
