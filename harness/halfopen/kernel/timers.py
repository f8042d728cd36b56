"""How late the kernel's timers may fire."""

from __future__ import annotations

import time
from dataclasses import dataclass

HZ = 250
"""Ticks a second of most distributions' kernels (CONFIG_HZ)."""

HZS = (100, 250, 300, 1000)
"""The values of CONFIG_HZ that a kernel can be built with."""

# uapi/linux/time.h; the coarse clock advances once a tick, and says so.
_CLOCK_MONOTONIC_COARSE = 6


@dataclass(frozen=True)
class TimeRange:
    """When something happens, in seconds: not before `earliest`, not after `latest`."""

    earliest: float
    latest: float

    def __contains__(self, seconds: float) -> bool:
        return self.earliest <= seconds <= self.latest

    def __add__(self, other: TimeRange) -> TimeRange:
        return TimeRange(self.earliest + other.earliest, self.latest + other.latest)


def granularity(seconds: float, hz: int = HZ) -> float:
    """Seconds by which a kernel timer of `seconds` may fire late; it is never early.

    The timer wheel has levels of 64 buckets; each level is eight times as coarse as the one
    below, and a timer is put into the first level that reaches as far as it
    (kernel/time/timer.c, LVL_CLK_SHIFT and LVL_START).  That is up to one eighth of the time.

    Args:
        seconds: how long the timer runs.
        hz: ticks a second.
    """
    ticks = seconds * hz
    step = 1
    while ticks >= 63 * step and step < 8**8:
        step *= 8
    return step / hz


def timer(seconds: float, hz: int = HZ) -> TimeRange:
    """When a kernel timer of `seconds` fires."""
    return TimeRange(seconds, seconds + granularity(seconds, hz))


def machine_hz() -> int:
    """Ticks a second of the kernel that this runs on.

    Raises:
        OSError: if it has no coarse clock, which is to say that it is not Linux.
    """
    return round(1 / time.clock_getres(_CLOCK_MONOTONIC_COARSE))
