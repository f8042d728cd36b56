"""The keepalive options that systems share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from halfopen.fields import Section, Timer, WholeSeconds

# sysctl net.ipv4.tcp_keepalive_{time,intvl,probes}, include/net/tcp.h
KERNEL_DEFAULTS = (7200.0, 75.0, 9)


class KeepaliveTimers(Section):
    """TCP keepalive with timers of its own (tcp(7): TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT).

    Attributes:
        idle: silence before the first probe.
        interval: between two unanswered probes.
        probes: unanswered ones after which the connection is dead.
    """

    idle: WholeSeconds
    interval: WholeSeconds
    probes: int = Field(ge=1, le=127)


def _switch(value: object) -> object:
    return None if value in ("off", False, None) else value


_SCHEMA: dict[str, Any] = {
    "anyOf": [{"const": "off"}, KeepaliveTimers.model_json_schema(mode="validation")]
}

Keepalive = Annotated[KeepaliveTimers | None, BeforeValidator(_switch), WithJsonSchema(_SCHEMA)]
"""`off`, or `{ idle: 30 min, interval: 75 s, probes: 9 }`."""


def keepalive_timers(keepalive: KeepaliveTimers | None) -> Sequence[Timer]:
    """When probes go out on a healthy idle connection, and when a dead one is found.

    The period of probes on a healthy connection is the larger of idle and interval, not idle
    (net/ipv4/tcp_timer.c, tcp_keepalive_timer).
    """
    if keepalive is None:
        return ()
    return (
        Timer("keepalive probe period", max(keepalive.idle, keepalive.interval), "silence"),
        Timer(
            "keepalive detection", keepalive.idle + keepalive.interval * keepalive.probes, "silence"
        ),
    )


def keepalive_argument(keepalive: KeepaliveTimers | None) -> str:
    """As relpio's `--keepalive` takes it: `IDLE/INTERVAL/PROBES` or `off`."""
    if keepalive is None:
        return "off"
    return f"{keepalive.idle:.0f}/{keepalive.interval:.0f}/{keepalive.probes}"
