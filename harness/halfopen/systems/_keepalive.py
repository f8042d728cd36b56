"""The keepalive options that systems share."""

from __future__ import annotations

from halfopen.fields import Keepalive as Keepalive
from halfopen.fields import KeepaliveTimers as KeepaliveTimers
from halfopen.fields import Timer
from halfopen.fields import keepalive_timers as keepalive_timers


def keepalive_argument(keepalive: KeepaliveTimers | None) -> str:
    """As relpio's `--keepalive` takes it: `IDLE/INTERVAL/PROBES` or `off`."""
    if keepalive is None:
        return "off"
    return f"{keepalive.idle:.0f}/{keepalive.interval:.0f}/{keepalive.probes}"


def server_timers(
    keepalive: KeepaliveTimers | None, user_timeout: float | None, idle_timeout: float | None
) -> list[Timer]:
    """Those of the connections that a server of ours accepts; None for what is off."""
    timers = list(keepalive_timers(keepalive))
    if user_timeout is not None:
        timers.append(Timer("user timeout", user_timeout, "answer"))
    if idle_timeout is not None:
        timers.append(Timer("idle timeout", idle_timeout, "silence"))
    return timers
