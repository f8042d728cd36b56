"""The fault `resume`."""

from __future__ import annotations

from halfopen.faults._programs import SignalFault


class Resume(SignalFault):
    """A paused program continues.

    Attributes:
        at: the endpoint that the program runs on.
    """

    name = "resume"
    summary = "a paused program continues (SIGCONT)"
    signal = "CONT"
