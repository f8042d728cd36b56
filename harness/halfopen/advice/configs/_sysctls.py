"""Sysctls of keepalive, net.ipv4.tcp_keepalive_*: names, limits, and figures that files give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from halfopen.advice.config_model import ConfiguredTimers, Sysctls
from halfopen.advice.configs._lines import Setting, whole
from halfopen.kernel import Keepalive

PREFIX = "net.ipv4."
TIMERS = {
    f"{PREFIX}tcp_keepalive_time": "idle",
    f"{PREFIX}tcp_keepalive_intvl": "interval",
    f"{PREFIX}tcp_keepalive_probes": "probes",
}
"""Name -> the timer that it sets."""
RETRIES2 = f"{PREFIX}tcp_retries2"
MOST = {f"{PREFIX}tcp_keepalive_probes": 255, RETRIES2: 255}  # a u8 each


def timers_of(entries: Iterable[Setting]) -> ConfiguredTimers:
    """Linux's defaults, with what the entries change; the last of each counts.

    Raises:
        InputError: a value is not a number that the kernel takes.
    """
    timers = Sysctls().keepalive
    for entry in entries:
        if entry.key in TIMERS:
            figure = whole(entry, MOST.get(entry.key, 2**31 // 1000 - 1))
            if not figure:
                raise entry.error(f"{entry.key}: 0 is not accepted here", "use at least 1")
            timers = replace(timers, **{TIMERS[entry.key]: figure})
    return timers


def recommended(keepalive: Keepalive) -> dict[str, str]:
    """Value of each sysctl."""
    figures = (keepalive.idle, keepalive.interval, keepalive.probes)
    return dict(zip(TIMERS, map(str, figures), strict=True))
