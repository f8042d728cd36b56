"""How late the kernel's timers may fire."""

from __future__ import annotations

HZ = 250
"""Ticks a second of most distributions' kernels (CONFIG_HZ)."""


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
