"""The fault `kill`."""

from __future__ import annotations

from halfopen.faults._programs import SignalFault


class Kill(SignalFault):
    """A program dies at once; the kernel closes its sockets, with FIN or RST, on the live host.

    Attributes:
        at: the endpoint that the program runs on.
    """

    name = "kill"
    summary = "ends a program at once, with no time to clean up (SIGKILL)"
    signal = "KILL"
