"""The fault `misbehaving receiver`."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.faults._programs import EndpointFault
from halfopen.verbs import Behaviour, ReplaceProgram, RestoreProgram, Verb


class MisbehavingReceiver(EndpointFault):
    """A misbehaving program listens in place of the real one.

    The real program is shut down; the replacement listens on the same TCP ports until the fault is
    healed, then the real one is started again.  Nothing that it receives is acknowledged, so a
    sender that keeps what was not acknowledged loses nothing.

    Attributes:
        at: the endpoint whose program is replaced; it must listen on TCP.
        does: `never answers`: accepts, reads, and sends nothing, not even to `open`;
            `acknowledges nothing`: opens sessions, and answers no message; `answers 500`: opens
            sessions, and refuses every message; `closes at once`: whatever it accepts;
            `reads slowly`: opens sessions, reads a few bytes a second, and answers nothing more;
            `sends garbage`: bytes that are not RELP, to every client.
    """

    name = "misbehaving receiver"
    summary = "a receiver is replaced by one that never answers, refuses, hangs up or sends garbage"
    uses = (ReplaceProgram, RestoreProgram)
    touches = ("processes",)

    does: Behaviour

    def verbs(self) -> Sequence[Verb]:
        """Replace it."""
        return (ReplaceProgram(self.at, self.does),)

    def heal(self) -> Sequence[Verb]:
        """Start the real one again."""
        return (RestoreProgram(self.at),)
