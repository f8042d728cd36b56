"""Linux's own TCP timers at a time scale, as far as a network namespace lets them be set.

Programs do not set these timers, so nothing in a scenario names them; but what a scenario divides
by its scale meets them.  Those that are durations are divided.  Those that are a number of
retransmissions get the number that lasts nearest to the divided time, since the first
retransmission (0.2 s; 1 s for a SYN) cannot be brought forward.

Sources: Linux 6.18, Documentation/networking/ip-sysctl.rst; net/ipv4/tcp_timer.c,
tcp_orphan_retries() and tcp_write_timeout(); net/ipv4/sysctl_net_ipv4.c for the limits.
TIME_WAIT (TCP_TIMEWAIT_LEN, 60 s) cannot be set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from halfopen.kernel.retransmission import RETRIES2, RTO_MAX, model_timeout

_IPV4 = "net.ipv4."
RTO_MAX_MS = f"{_IPV4}tcp_rto_max_ms"
RETRIES2_KEY = f"{_IPV4}tcp_retries2"

TIME_WAIT = 60.0
"""Seconds, TCP_TIMEWAIT_LEN."""

_FIN_TIMEOUT = 60
_ORPHAN_RETRIES = 8  # what tcp_orphan_retries() makes of the default, 0
_SYN_RETRIES, _SYN_LINEAR, _SYNACK_RETRIES = 6, 4, 5
_SYN_RTO = 1.0
_SHORTEST_RTO_MAX = 1.0  # sysctl_net_ipv4.c
_MOST_RETRIES = 255

Known = Callable[[str], bool]
"""Whether the kernel has a sysctl of that name."""


def known_here(key: str) -> bool:
    """Whether the kernel that this runs on has a sysctl."""
    return (Path("/proc/sys") / key.replace(".", "/")).exists()


def all_known(_: str) -> bool:
    """For a kernel that has every sysctl that is named here: Linux 6.15 or later."""
    return True


@dataclass(frozen=True)
class ScaledTcp:
    """The timers of one host at a scale.

    Attributes:
        rto_max: seconds, the longest wait between two retransmissions or window probes.
        retries2: retransmissions after which data is given up.
        written_retries2: those in production.
        settings: sysctls that make it so.
    """

    rto_max: float
    retries2: int
    written_retries2: int
    settings: Mapping[str, str]


def scaled_tcp(scale: float, written: Mapping[str, str | float], known: Known) -> ScaledTcp:
    """The timers of a host whose production values a scale divides.

    Args:
        scale: seconds of production in one of the lab.
        written: sysctls that the scenario sets, production values.
        known: of the lab's kernel.
    """
    retries2 = _whole(written.get(RETRIES2_KEY), RETRIES2)
    if scale == 1:
        return ScaledTcp(RTO_MAX, retries2, retries2, {})
    longest = RTO_MAX
    settings: dict[str, str] = {}
    if RTO_MAX_MS in written:
        longest = _whole(written[RTO_MAX_MS], int(1000 * RTO_MAX)) / 1000
    elif known(RTO_MAX_MS):
        longest = max(_SHORTEST_RTO_MAX, RTO_MAX / scale)
        settings[RTO_MAX_MS] = str(round(1000 * longest))
    scaled = retries_for(model_timeout(retries2) / scale, longest)
    settings[RETRIES2_KEY] = str(scaled)
    orphans = retries_for(model_timeout(_ORPHAN_RETRIES) / scale, longest)
    linear, syn = _syn_retries(_syn_time(_SYN_LINEAR, _SYN_RETRIES, RTO_MAX) / scale, longest)
    synack = _nearest(
        range(1, _SYNACK_RETRIES + 1),
        lambda n: _syn_time(0, n, longest),
        _syn_time(0, _SYNACK_RETRIES, RTO_MAX) / scale,
    )
    others = {
        "tcp_orphan_retries": orphans,
        "tcp_syn_linear_timeouts": linear,
        "tcp_syn_retries": syn,
        "tcp_synack_retries": synack,
        "tcp_fin_timeout": max(1, round(_FIN_TIMEOUT / scale)),
    }
    for name, value in others.items():
        if _IPV4 + name not in written and known(_IPV4 + name):
            settings[_IPV4 + name] = str(value)
    return ScaledTcp(longest, scaled, retries2, settings)


def retries_for(seconds: float, rto_max: float) -> int:
    """How many retransmissions last nearest to `seconds`, at least one."""
    return _nearest(range(1, _MOST_RETRIES + 1), lambda n: model_timeout(n, rto_max), seconds)


def _syn_retries(seconds: float, rto_max: float) -> tuple[int, int]:
    """How many SYNs are repeated at one pace and how many at a slowing one, for about `seconds`."""
    linear = range(_SYN_LINEAR, -1, -1)
    choices = [(a, b) for a in linear for b in range(1, _SYN_RETRIES + 1)]
    return min(choices, key=lambda each: abs(_syn_time(each[0], each[1], rto_max) - seconds))


def _syn_time(linear: int, retries: int, rto_max: float) -> float:
    """Seconds until a connection attempt that nobody answers is given up."""
    slowing = (min(_SYN_RTO * 2.0**number, rto_max) for number in range(1, retries + 1))
    return _SYN_RTO * (linear + 1) + sum(slowing)


def _nearest(numbers: range, lasts: Callable[[int], float], seconds: float) -> int:
    return min(numbers, key=lambda number: abs(lasts(number) - seconds))


def _whole(value: str | float | None, default: int) -> int:
    """A sysctl's value; the default for what the kernel will refuse anyway."""
    try:
        return default if value is None else max(1, int(value))
    except ValueError:
        return default
