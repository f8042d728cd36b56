"""What Linux does with TCP's timers, as arithmetic: when it probes, when it gives up.

Each function returns an :class:`TimeRange`, because timers fire late (never early), and because
some of what decides cannot be known from outside.  Whoever compares a prediction with a real
kernel allows, besides, for the time that the machine takes to run the program that looks.
"""

from halfopen.kernel.keepalive import Keepalive, detection, probe_period, survives_a_lost_probe
from halfopen.kernel.retransmission import Stack, busy_detection, zero_window_detection
from halfopen.kernel.timers import HZ, HZS, TimeRange, granularity

__all__ = [
    "HZ",
    "HZS",
    "Keepalive",
    "Stack",
    "TimeRange",
    "busy_detection",
    "detection",
    "granularity",
    "probe_period",
    "survives_a_lost_probe",
    "zero_window_detection",
]
