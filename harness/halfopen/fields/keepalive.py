"""TCP keepalive, and timers that the time scale must keep in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from halfopen.fields.durations import WholeSeconds, off
from halfopen.fields.section import Section


@dataclass(frozen=True)
class Timer:
    """A duration that decides a verdict, as the time scale compares it with others.

    Two timers are compared if they measure the same thing: how long a flow has been silent
    (`silence`), or how long an answer is outstanding (`answer`).

    Attributes:
        name: for people, for example `keepalive detection`.
        seconds: when it fires at the earliest.
        measures: what it measures.
        late: seconds that it may fire late (kernel timers are never early).
    """

    name: str
    seconds: float
    measures: Literal["silence", "answer"]
    late: float = 0.0


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


KEEPALIVE_SCHEMA: dict[str, Any] = {
    "anyOf": [{"const": "off"}, KeepaliveTimers.model_json_schema(mode="validation")]
}

Keepalive = Annotated[
    KeepaliveTimers | None, BeforeValidator(off), WithJsonSchema(KEEPALIVE_SCHEMA)
]
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
