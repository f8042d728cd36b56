"""The fault `pause`."""

from __future__ import annotations

from halfopen.faults._programs import SignalFault


class Pause(SignalFault):
    """A program hangs: it reads nothing, but its kernel still answers packets and keepalive probes.

    Attributes:
        at: the endpoint that the program runs on.
    """

    name = "pause"
    summary = "freezes a program; its kernel still acknowledges (SIGSTOP)"
    signal = "STOP"
