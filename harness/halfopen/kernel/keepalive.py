"""TCP keepalive: when probes go out, and when a peer that no longer answers is given up.

Linux 6.12, net/ipv4/tcp_timer.c, tcp_keepalive_timer(); include/net/tcp.h,
keepalive_time_elapsed(); measured on Linux 6.18 in network namespaces.

The clock counts from the last data or acknowledgement that was *received*; what is sent does not
set it back, nor do the probes of the peer, which runs its own.  A probe goes out only while
nothing is unacknowledged or waiting to be sent; otherwise see
:mod:`halfopen.kernel.retransmission`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from halfopen.kernel.timers import HZ, TimeRange, granularity

LONGEST = 32767
"""Seconds, the most that TCP_KEEPIDLE and TCP_KEEPINTVL take (MAX_TCP_KEEPIDLE)."""

MOST_PROBES = 127
"""The most that TCP_KEEPCNT takes (MAX_TCP_KEEPCNT)."""


@dataclass(frozen=True)
class Keepalive:
    """The settings of one socket (tcp(7)).

    Attributes:
        idle: TCP_KEEPIDLE, whole seconds of silence before the first probe.
        interval: TCP_KEEPINTVL, whole seconds between probes.
        probes: TCP_KEEPCNT, unanswered ones after which the connection is given up.

    Raises:
        ValueError: beyond the kernel's limits; with a sentence that says what would be right.
    """

    idle: int
    interval: int
    probes: int

    def __post_init__(self) -> None:
        for name, value, most in (
            ("idle time (TCP_KEEPIDLE)", self.idle, LONGEST),
            ("interval (TCP_KEEPINTVL)", self.interval, LONGEST),
            ("number of probes (TCP_KEEPCNT)", self.probes, MOST_PROBES),
        ):
            if not 1 <= value <= most:
                raise ValueError(f"the {name} is {value}; the kernel takes 1 to {most}")

    def __str__(self) -> str:
        return f"{self.idle}/{self.interval}/{self.probes}"


def probe_period(keepalive: Keepalive, hz: int = HZ) -> TimeRange:
    """Seconds of silence after which a probe goes out on a connection whose peer answers.

    Not TCP_KEEPIDLE, but the larger of it and TCP_KEEPINTVL: after a probe the timer runs for an
    interval, and only then is it looked at whether the peer was idle for long enough.
    """
    seconds = max(keepalive.idle, keepalive.interval)
    return TimeRange(seconds, seconds + granularity(seconds, hz))


def detection(keepalive: Keepalive, user_timeout: float | None = None, hz: int = HZ) -> TimeRange:
    """Seconds from the last thing heard to ETIMEDOUT, nothing being unacknowledged.

    With TCP_USER_TIMEOUT the number of probes no longer counts: the connection ends at the first
    probe instant, one probe having been sent, at which the silence is at least as long as that.

    Args:
        keepalive: of the socket.
        user_timeout: seconds; None if TCP_USER_TIMEOUT is 0.
        hz: ticks a second.
    """

    def instant(probe: int) -> TimeRange:
        # Probe number 0 goes out at `idle`; each further instant is an interval later.
        nominal = keepalive.idle + probe * keepalive.interval
        late = granularity(keepalive.idle, hz) + probe * granularity(keepalive.interval, hz)
        return TimeRange(nominal, nominal + late)

    if not user_timeout:
        return instant(keepalive.probes)
    certain = _probes_until(user_timeout - keepalive.idle, keepalive.interval)
    # A late timer can find the timeout passed where a punctual one would not yet.
    late = instant(1).latest - instant(0).latest
    first = min(certain, _probes_until(user_timeout - instant(0).latest, late))
    earliest = max(instant(first).earliest, min(user_timeout, instant(certain).earliest))
    return TimeRange(earliest, instant(certain).latest)


def _probes_until(seconds: float, period: float) -> int:
    return max(1, ceil(seconds / period))


def survives_a_lost_probe(
    keepalive: Keepalive, user_timeout: float | None = None, hz: int = HZ
) -> bool:
    """Whether a healthy connection outlives the loss of one probe, or of its answer.

    It does not if one probe is all there is, nor if the user timeout is over by the time that the
    second would go out.
    """
    if not user_timeout:
        return keepalive.probes >= 2
    late = granularity(keepalive.idle, hz) + granularity(keepalive.interval, hz)
    return user_timeout > keepalive.idle + keepalive.interval + late
