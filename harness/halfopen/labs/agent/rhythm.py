"""When a sandbox is looked at: at a steady pace, or when something has happened in it.

Where time is the machine's, a look costs next to nothing, and a steady pace sees everything.  Where
time is virtual, an hour without an event is a moment, and must not cost fourteen thousand looks:
there a look follows what the kernel or a program tells of, then ever rarer ones follow it.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from halfopen.model.sampling import HEARTBEAT_S, SAMPLE_S


@dataclass(frozen=True)
class Rhythm:
    """The pauses between looks.

    Attributes:
        heartbeat_s: seconds after which a sample is recorded even if nothing has changed.
        growth: by what the pause grows from look to look while nothing happens; 1 is a steady pace.
        longest_s: it grows no longer than that.
    """

    heartbeat_s: float
    growth: float
    longest_s: float

    @property
    def by_events(self) -> bool:
        """Whether looks follow what happens."""
        return self.growth > 1

    def next(self, pause: float) -> float:
        """The pause that follows one after which nothing had happened."""
        return min(pause * self.growth, self.longest_s)


STEADY = Rhythm(heartbeat_s=HEARTBEAT_S, growth=1, longest_s=SAMPLE_S)
"""For a lab in the machine's time."""

BY_EVENTS = Rhythm(heartbeat_s=1800.0, growth=8, longest_s=1800.0)
"""For a lab in virtual time."""


class Bell:
    """Wakes a thread that waits for file descriptors; rung from any thread."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """For select(2)."""
        return self._fd

    def ring(self) -> None:
        """Wake who waits, or will wait next."""
        os.eventfd_write(self._fd, 1)

    def hush(self) -> None:
        """It was heard."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._fd)


class Stirs:
    """Tells all who look at a sandbox that something has happened in it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tell: list[Callable[[], None]] = []

    def add(self, tell: Callable[[], None]) -> None:
        """Also tell this one; from any thread."""
        with self._lock:
            self._tell.append(tell)

    def stir(self) -> None:
        """Something has happened; from any thread."""
        with self._lock:
            for tell in self._tell:
                tell()


class Rest:
    """What an observer does between two looks: it waits, and does what it is asked to.

    Args:
        rhythm: of its sandbox.
        serve: does what was asked for since, in the thread of the observer.

    Attributes:
        told: whether something had happened when the last wait ended; if not, what a look shows may
            be as old as the look before it.
    """

    def __init__(self, rhythm: Rhythm, serve: Callable[[], None]) -> None:
        self._rhythm = rhythm
        self._serve = serve
        self._bell = Bell()
        self._pause = SAMPLE_S
        self._stirred = False
        self.told = True

    def ask(self) -> None:
        """There is something to serve; from any thread."""
        self._bell.ring()

    def stir(self) -> None:
        """Something has happened: look soon, and soon again; from any thread."""
        if self._rhythm.by_events and not self._stirred:
            self._stirred = True
            self._bell.ring()

    def until_next(
        self, looked: float, events: Sequence[int], ending: Callable[[], bool], at_most: float
    ) -> float:
        """Wait until it is time for the next look; returns when that was due.

        However much happens, no look follows another sooner than :data:`SAMPLE_S`.

        Args:
            looked: when the last look was due.
            events: file descriptors that become readable when something has happened.
            ending: whether to wait no longer.
            at_most: when a look is due in any case.
        """
        begun = time.monotonic()
        due = max(min(looked + self._pause, at_most), looked + SAMPLE_S, begun)
        self.told = self._wait(due, events, ending)
        if self.told:
            due = max(looked + SAMPLE_S, time.monotonic())
            self._wait(due, None, ending)
            self._stirred = False
            self._pause = SAMPLE_S
        else:
            self._pause = self._rhythm.next(self._pause)
        return due

    def _wait(self, due: float, events: Sequence[int] | None, ending: Callable[[], bool]) -> bool:
        """Wait, and serve; True as soon as something has happened, unless `events` is None."""
        watched = [self._bell.fileno(), *(events or ())]
        while (left := due - time.monotonic()) > 0 and not ending():
            ready, _, _ = select.select(watched, [], [], left)
            if self._bell.fileno() in ready:
                self._bell.hush()
                self._serve()
            if events is not None and (
                self._stirred or len(ready) > (self._bell.fileno() in ready)
            ):
                return True
        return False
