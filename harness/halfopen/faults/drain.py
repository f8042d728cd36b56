"""The fault `drain`."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.fields import Endpoint, MiddleboxHost
from halfopen.ports import Fault
from halfopen.verbs import DrainServer, Verb


class Drain(Fault):
    """A balancer gives a server of its pool no new connections; those that it has go on.

    So it is before a deployment (deregistration, connection draining), and what a health check
    comes to that finds a server gone: put the fault after the `stop` or the `power loss`.  Healed,
    the server is in the pool again, and gets new connections like any other.

    Attributes:
        at: the balancer: a middlebox with a `pool`.
        server: of the pool.
    """

    name = "drain"
    summary = "a balancer gives a server of its pool no new connections; those that it has go on"
    uses = (DrainServer,)
    touches = ("servers",)

    at: MiddleboxHost
    server: Endpoint

    def verbs(self) -> Sequence[Verb]:
        """Take it out."""
        return (DrainServer(self.at, self.server, True),)

    def heal(self) -> Sequence[Verb]:
        """Put it back."""
        return (DrainServer(self.at, self.server, False),)
