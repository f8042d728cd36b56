"""The fault `backlog full`."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.faults._programs import EndpointFault
from halfopen.verbs import DrainBacklog, FillBacklog, Verb


class BacklogFull(EndpointFault):
    """A program no longer accepts, and its listen backlog is full: new connections time out.

    The program is frozen and its accept queues are filled with connections from its own host.  The
    kernel then drops each SYN (listen(2); `tcp_abort_on_overflow` in ip-sysctl.rst), so that a
    client sees neither a refusal nor an answer.

    Attributes:
        at: the endpoint that the program runs on.
    """

    name = "backlog full"
    summary = (
        "a program no longer accepts connections and its listen backlog is full: attempts time out"
    )
    uses = (FillBacklog, DrainBacklog)
    touches = ("connections",)

    def verbs(self) -> Sequence[Verb]:
        """Fill it."""
        return (FillBacklog(self.at),)

    def heal(self) -> Sequence[Verb]:
        """Drain it."""
        return (DrainBacklog(self.at),)
