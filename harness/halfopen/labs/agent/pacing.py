"""How often to look at a host, so that looking costs little of a core however much there is.

A look at ten thousand sockets takes a tenth of a second.  Four of them a second would be what a
run is busy with; so a host with much to see is looked at again when it has changed, and otherwise
when the looks of before have been paid off.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from halfopen.probes.procfs import read_text

IDLE_SHARE = 0.005
"""Of one core, for looking at what has not changed."""

BUSY_SHARE = 0.1
"""Of one core, for looking at what has."""

_NET = "/proc/thread-self/net"


def tcp_signature() -> tuple[str, ...]:
    """What changes whenever a TCP socket of the calling thread's namespace does.

    Counters of segments, openings and resets, and how many sockets there are (proc_net(5);
    net/ipv4/proc.c): no socket changes its state without a segment, or without being counted
    differently.
    """
    found = [line for line in _lines("snmp") if line.startswith("Tcp:")]
    for name in ("sockstat", "sockstat6"):
        for line in _lines(name):
            kind, *words = line.split()
            if kind in ("TCP:", "TCP6:"):
                # The other figures of the line are those of the whole machine.
                figures = dict(zip(words[::2], words[1::2], strict=False))
                found.append(f"{kind} {figures.get('inuse')} {figures.get('tw')}")
    return tuple(found)


def _lines(name: str) -> list[str]:
    try:
        return read_text(f"{_NET}/{name}").splitlines()
    except FileNotFoundError:
        return []


class Pace:
    """The pace of one kind of look."""

    def __init__(self) -> None:
        self._cost = 0.0
        self._ended = 0.0

    @contextmanager
    def look(self) -> Iterator[None]:
        """Surrounds a look, and takes note of what it costs the calling thread."""
        begun = time.thread_time()
        try:
            yield
        finally:
            self._cost = time.thread_time() - begun
            self._ended = time.monotonic()

    def is_due(self, share: float) -> bool:
        """Whether another look now would keep within a share of one core."""
        return time.monotonic() - self._ended >= self._cost / share
