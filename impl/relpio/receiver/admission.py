"""Admission of clients to a receiver: from which networks, how many, and how fast."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

__all__ = ["Admission", "Network"]

Network = IPv4Network | IPv6Network

_UNIX = "unix"  # what `host_of` calls the other end of a Unix socket

_MANY = 10_000
"""Debts that are remembered before those that are paid are thrown away."""


@dataclass
class _Bucket:
    """Messages that a host may send at once, and when that was calculated."""

    tokens: float
    at: float


class Admission:
    """Rules for the hosts that connect, and what is known of each host.

    The rate is that of a token bucket that holds one second's worth: who was quiet may send that
    much at once. What was taken above it is a debt, and nothing more is read from the host's
    sessions until it is paid. So a client that is too fast waits; nothing of it is lost.
    """

    def __init__(
        self,
        permitted: Sequence[Network] = (),
        most_sessions: int | None = None,
        rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set the rules, which `permitted`, `most_sessions` and `rate` can change later.

        Args:
            permitted: networks of clients; none means all. Unix sockets always are.
            most_sessions: connections of one host at a time; None is no limit.
            rate: messages per second of one host, over all its sessions; None is no limit.
            clock: in seconds.
        """
        self.permitted = permitted
        self.most_sessions = most_sessions
        self.rate = rate
        self._clock = clock
        self._sessions: Counter[str] = Counter()
        self._buckets: dict[str, _Bucket] = {}

    def refusal(self, host: str) -> tuple[str, str] | None:
        """Why a connection of `host` is not taken, as a short reason and in words; or None."""
        if not self._is_permitted(host):
            return "network", f"{host} is not in a permitted network"
        count = self._sessions[host]
        if self.most_sessions is not None and count >= self.most_sessions:
            return "max-sessions-per-peer", f"{host} has {count} connections"
        return None

    def entered(self, host: str) -> None:
        """`host` has one more connection."""
        self._sessions[host] += 1

    def left(self, host: str) -> None:
        """`host` has one connection less."""
        self._sessions[host] -= 1
        if not self._sessions[host]:
            del self._sessions[host]

    def delay(self, host: str, count: int) -> float:
        """Return for how many seconds nothing may be read from `host` after `count` messages."""
        if self.rate is None:
            return 0.0
        now = self._clock()
        bucket = self._buckets.get(host)
        if bucket is None:
            self._throw_away(now, self.rate)
            bucket = self._buckets[host] = _Bucket(self.rate, now)
        bucket.tokens = min(self.rate, bucket.tokens + (now - bucket.at) * self.rate) - count
        bucket.at = now
        return max(0.0, -bucket.tokens / self.rate)

    def _is_permitted(self, host: str) -> bool:
        if not self.permitted or host == _UNIX:
            return True
        address = ip_address(host)
        return any(address in network for network in self.permitted)

    def _throw_away(self, now: float, rate: float) -> None:
        if len(self._buckets) >= _MANY:
            self._buckets = {
                host: each
                for host, each in self._buckets.items()
                if each.tokens + (now - each.at) * rate < rate
            }
