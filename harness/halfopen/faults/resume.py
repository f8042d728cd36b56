"""The fault `resume`."""

from __future__ import annotations

from halfopen.faults._programs import SignalFault


class Resume(SignalFault):
    """A program that was paused goes on.

    Attributes:
        at: the endpoint that the program runs on.
    """

    name = "resume"
    summary = "lets a paused program go on (SIGCONT)"
    signal = "CONT"
