"""Unacknowledged data: how long Linux repeats it before it gives the connection up.

Linux 6.12, net/ipv4/tcp_timer.c, tcp_retransmit_timer(), retransmits_timed_out(),
tcp_model_timeout(), tcp_probe_timer(); Documentation/networking/ip-sysctl.rst; measured on Linux
6.18 in network namespaces.

Keepalive is silent meanwhile, whatever its settings: tcp_keepalive_timer() does nothing while
anything is in flight.  So a dead peer is found at quite another time when there was something to
say than when there was not.

Not modelled: another tcp_rto_min_us than the default, tcp_thin_linear_timeouts, a round trip time
that varies, and sockets that are closed already (tcp_orphan_retries).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor, log2

from halfopen.kernel.timers import HZ, TimeRange, granularity

RTO_MIN = 0.2
"""Seconds, TCP_RTO_MIN: what tcp_model_timeout() reckons with, whatever the real one is."""

RTO_MAX = 120.0
"""Seconds, TCP_RTO_MAX: the longest wait between two repetitions."""

RETRIES2 = 15
"""Default of the sysctl net.ipv4.tcp_retries2."""

_MOST_RETRANSMISSIONS = 1000


@dataclass(frozen=True)
class Stack:
    """What decides, besides the socket's options.

    Attributes:
        retries2: sysctl net.ipv4.tcp_retries2.
        hz: ticks a second.
        rtt: seconds of a round trip, steady.
        rto_max: seconds, sysctl net.ipv4.tcp_rto_max_ms where there is one.
    """

    retries2: int = RETRIES2
    hz: int = HZ
    rtt: float = 0.0
    rto_max: float = RTO_MAX

    @property
    def rto(self) -> float:
        """The first retransmission timeout in seconds, a whole number of ticks.

        The smoothed round trip time and at least RTO_MIN, rounded up to a tick
        (tcp_set_rto()); as a round trip is never nothing, to the next one.
        """
        return (floor((self.rtt + RTO_MIN) * self.hz + 1e-9) + 1) / self.hz


def model_timeout(retries: int, rto_max: float = RTO_MAX) -> float:
    """Seconds from the first retransmission, that `retries` of them are taken to last.

    It doubles from RTO_MIN until `rto_max` is reached and is linear from there
    (tcp_model_timeout()): 924.6 for 15.
    """
    knee = floor(log2(rto_max / RTO_MIN))
    if retries <= knee:
        return RTO_MIN * (2.0 ** (retries + 1) - 1)
    return RTO_MIN * (2.0 ** (knee + 1) - 1) + (retries - knee) * rto_max


def busy_detection(user_timeout: float | None = None, stack: Stack = Stack()) -> TimeRange:
    """Seconds from sending to ETIMEDOUT, if nothing sent is acknowledged any more.

    Death comes at a retransmission timer, the first at which the time since the first
    retransmission is as long as the model of tcp_retries2, or as TCP_USER_TIMEOUT, which takes
    its place, be it shorter or longer.

    Args:
        user_timeout: seconds; None if TCP_USER_TIMEOUT is 0.
        stack: the rest.
    """
    hz = stack.hz
    # A tail-loss probe comes first where there can be one, and starts the timer again
    # (tcp_schedule_loss_probe()): 2 round trips, and RTO_MIN if one segment is all there is.
    tail_loss = 2 * stack.rtt + stack.rto
    first = TimeRange(stack.rto, stack.rto + tail_loss + 2 * granularity(stack.rto + tail_loss, hz))
    if user_timeout:
        # The timer is cut to what is left of it (tcp_clamp_rto_to_user_timeout()).
        since = TimeRange(user_timeout, user_timeout + granularity(user_timeout, hz) + 2 / hz)
        return first + since
    limit = model_timeout(stack.retries2, stack.rto_max)
    earliest: float | None = None
    for elapsed in _retransmissions(stack):
        if earliest is None and elapsed.latest >= limit:
            earliest = max(elapsed.earliest, limit)
        if elapsed.earliest >= limit:
            assert earliest is not None
            return first + TimeRange(earliest, elapsed.latest)
    raise AssertionError("the timeouts add up to any limit")  # pragma: no cover


def _retransmissions(stack: Stack) -> Iterator[TimeRange]:
    """Seconds from the first retransmission to the second, third, ... timer."""
    elapsed = TimeRange(0.0, 0.0)
    for number in range(1, _MOST_RETRANSMISSIONS):
        wait = min(stack.rto * 2**number, stack.rto_max)
        elapsed += TimeRange(wait, wait + granularity(wait, stack.hz))
        yield elapsed


def zero_window_detection(
    user_timeout: float | None = None,
    stack: Stack = Stack(),
) -> TimeRange:
    """Seconds from the moment that a peer with a closed window falls silent to ETIMEDOUT.

    tcp_retries2 probes may go unanswered; the next timer ends it.  An answer sets the number
    back, but not the wait between two probes, which may have grown to its longest before.  A
    user timeout counts from the first probe, answered or not: so the connection may end at once,
    and does end even though the peer answers.

    Args:
        user_timeout: seconds; None if TCP_USER_TIMEOUT is 0.
        stack: the rest.
    """
    hz = stack.hz
    if user_timeout:
        first = stack.rto + granularity(stack.rto, hz)
        return TimeRange(0.0, first + user_timeout + granularity(user_timeout, hz) + 2 / hz)
    # The wait doubles once for each probe, retries2 times at most (tcp_send_probe0()).
    waits = [min(stack.rto * 2**n, stack.rto_max) for n in range(stack.retries2 + 1)]
    longest = waits[-1] + granularity(waits[-1], hz)
    return TimeRange(sum(waits[1:]), (stack.retries2 + 1) * longest)
