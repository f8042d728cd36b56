"""The keepalive options that systems share."""

from __future__ import annotations

from halfopen.fields import Keepalive as Keepalive
from halfopen.fields import KeepaliveTimers as KeepaliveTimers
from halfopen.fields import keepalive_timers as keepalive_timers


def keepalive_argument(keepalive: KeepaliveTimers | None) -> str:
    """As relpio's `--keepalive` takes it: `IDLE/INTERVAL/PROBES` or `off`."""
    if keepalive is None:
        return "off"
    return f"{keepalive.idle:.0f}/{keepalive.interval:.0f}/{keepalive.probes}"
