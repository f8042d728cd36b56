"""Samples as differences: what a sample shows that the one before it did not.

The first sample of a host is whole.  Each later one lists what is new or has changed, and under
`gone` what is no longer there.  A clock that only went on is no change: what a socket's timer or an
entry's expiry is at, follows from when it was recorded last.  So ten thousand idle connections cost
a line each once, and not again with every sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from halfopen.model.records import ConntrackRecord, FlowEntry, SocketFields, SocketsRecord

Key = tuple[str, str]
T = TypeVar("T", bound=Mapping[str, Any])

_SLACK_S = 0.01
"""Two readings of one clock differ by this without any event (two of the kernel's ticks)."""

_WHOLE_SECONDS_S = 1.5
"""The same for an expiry, which is given in whole seconds."""


def socket_key(socket: SocketFields) -> Key:
    """What tells a socket from the others of its host: both addresses."""
    return socket["local"], socket["peer"]


def entry_key(entry: FlowEntry) -> Key:
    """What tells an entry from the others of its table: both addresses."""
    return entry["client"], entry["server"]


class _Differences(Generic[T]):
    """Tells what of a sample the one before it did not show.

    Args:
        key: tells the items apart.
        moved: whether more happened to an item than that its clocks went on: (before, after,
            seconds between the two, seconds by which clocks may differ).
    """

    def __init__(
        self, key: Callable[[T], Key], moved: Callable[[T, T, float, float], bool]
    ) -> None:
        self._key = key
        self._moved = moved
        self._known: dict[Key, tuple[float, T]] | None = None

    def of(
        self, items: Iterable[T], now: float, slack: float
    ) -> tuple[list[T], list[list[str]] | None]:
        """What is new or has changed, and the keys of what is gone; None for the first sample."""
        before = self._known or {}
        seen: dict[Key, tuple[float, T]] = {}
        news = []
        for item in items:
            key = self._key(item)
            known = before.get(key)
            if known is None or self._moved(known[1], item, now - known[0], slack):
                known = (now, item)
                news.append(item)
            seen[key] = known
        whole, self._known = self._known is None, seen
        if whole:
            return news, None
        gone = [list(key) for key in before if key not in seen] if before.keys() - seen else []
        return news, gone


class SocketDifferences:
    """Makes samples of the sockets of a host into records.

    Args:
        host: its name.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._differences = _Differences(socket_key, _socket_moved)

    def record(
        self, sockets: Iterable[SocketFields], now: float, took: float = 0.0
    ) -> SocketsRecord:
        """The record of a sample.

        Args:
            sockets: the complete sample.
            now: when they were looked at, in seconds; by the same clock each time.
            took: seconds that it took to look at all of them: no clock is known any better.
        """
        news, gone = self._differences.of(sockets, now, _SLACK_S + took)
        record = SocketsRecord(kind="sockets", host=self._host, sockets=news)
        if gone is not None:
            record["gone"] = gone
        return record


class EntryDifferences:
    """Makes samples of the flow table of a middlebox into records.

    Args:
        host: its name.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._differences = _Differences(entry_key, _entry_moved)

    def record(self, entries: Iterable[FlowEntry], now: float) -> ConntrackRecord:
        """The record of a sample.

        Args:
            entries: the complete sample.
            now: when they were looked at, in seconds; by the same clock each time.
        """
        news, gone = self._differences.of(entries, now, _WHOLE_SECONDS_S)
        record = ConntrackRecord(kind="conntrack", host=self._host, entries=news)
        if gone is not None:
            record["gone"] = gone
        return record


def _socket_moved(before: SocketFields, after: SocketFields, passed: float, slack: float) -> bool:
    known: Mapping[str, Any] = before
    for name, value in after.items():
        was = known.get(name)
        if name == "last_heard_s":
            if was is None or value is None:
                if was is not value:
                    return True
            elif abs(was + passed - value) > slack:
                return True
        elif name == "timer_s":
            left = max(0.0, (was or 0.0) - passed)
            if after.get("timer", "off") != "off" and abs(left - value) > slack:  # type: ignore[operator]
                return True
        elif was != value:
            return True
    return False


def _entry_moved(before: FlowEntry, after: FlowEntry, passed: float, slack: float) -> bool:
    if before["state"] != after["state"] or before.get("outside") != after.get("outside"):
        return True
    left, now = before["expires_s"], after["expires_s"]
    if left is None or now is None:
        return left is not now
    return abs(max(0.0, left - passed) - now) > slack


class LatestSample(Generic[T]):
    """What is known of one place as of the last of its samples.

    Args:
        key: tells its items apart.

    Attributes:
        items: by their keys, as they were last recorded.
    """

    def __init__(self, key: Callable[[T], Key]) -> None:
        self._key = key
        self.items: dict[Key, T] = {}

    def take(self, items: Iterable[T], gone: Sequence[Sequence[str]] | None) -> list[Key]:
        """Take the next sample; returns the keys of what is no longer there.

        Args:
            items: all that there is, or what is new or has changed.
            gone: what is no longer there; None if the sample is whole.
        """
        if gone is None:
            now = {self._key(item): item for item in items}
            lost = [key for key in self.items if key not in now]
            self.items = now
            return lost
        lost = [(first, second) for first, second in gone]
        for key in lost:
            self.items.pop(key, None)
        for item in items:
            self.items[self._key(item)] = item
        return lost


class Established:
    """The established connections of every host, as of its last sample.

    Attributes:
        hosts: the keys of its sockets in ESTABLISHED, by host.
    """

    def __init__(self) -> None:
        self.hosts: dict[str, set[Key]] = {}

    def take(self, record: SocketsRecord) -> bool:
        """Take the next sample; returns whether a connection began or ended."""
        known = self.hosts.setdefault(record["host"], set())
        now = {socket_key(each) for each in record["sockets"] if each["state"] == "ESTABLISHED"}
        if "gone" in record:
            gone = {(local, peer) for local, peer in record["gone"]}
            gone |= {socket_key(each) for each in record["sockets"]} - now
        else:
            gone = known - now
        if now <= known and known.isdisjoint(gone):
            return False
        known -= gone
        known |= now
        return True
