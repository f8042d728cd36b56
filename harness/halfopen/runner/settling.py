"""The end of a run: when it is quiet enough for its end state to be judged.

The samples of two hosts are not of one moment, so a change in the last moments of a run is
undecided: a connection that one side has just lost may be half-open, or the other side may be
about to lose it as well.  A run therefore lasts until nothing has changed for a few samples; on a
machine without time also for as long as its checks will then need to be certain, but not for so
long that the end becomes a part of the story.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from halfopen.model.differences import Established
from halfopen.model.flows import SKEW_SAMPLES
from halfopen.model.records import Record

QUIET_SAMPLES = 4
"""For so many samples no connection may begin or end before the end state is taken."""

AT_MOST_S = 5.0
"""Lab seconds, after which a run ends though its connections still change: then they always do.

Where samples are late it is longer, as far as :data:`MOST`: quiet is counted in samples.
"""

MOST = 4.0
"""By this factor at most: no machine is waited for forever."""


LATE_MOST = 2.0
"""By this factor at most a late machine makes the end longer."""


class Settling:
    """The established connections of all hosts, and when they last changed.

    Args:
        sample_s: lab seconds between two samples of a host.
    """

    def __init__(self, sample_s: float) -> None:
        self._sample_s = self._interval = sample_s
        self._late_s = 0.0
        self._established = Established()
        self._changed_at = 0.0
        self._begun = False

    def take(self, record: Record) -> None:
        """Take note of what a sample shows, and of how late things are; the rest is passed over."""
        match record["kind"]:
            case "sockets":
                self._interval = max(self._interval, record.get("late_s", 0.0))
                if self._established.take(record):
                    self._changed_at = record["t"]
            case "step":
                self._begun = True
                self._late(record.get("late_s", 0.0))
            case "machine" if self._begun:  # before, nothing that is judged was late
                self._late(record["late_s"])

    def _late(self, seconds: float) -> None:
        self._late_s = max(self._late_s, seconds)

    @property
    def settled_at(self) -> float:
        """The lab time from which on the end state may be taken, if nothing changes until then."""
        return self._changed_at + max(QUIET_SAMPLES * self._interval, self._certain_s)

    @property
    def _certain_s(self) -> float:
        """After so long what is half-open is certain, see `halfopen.model.flows.half_open`."""
        needed = (SKEW_SAMPLES + 1) * (self._sample_s + self._late_s)
        return min(needed, LATE_MOST * QUIET_SAMPLES * self._sample_s)

    @property
    def at_most_s(self) -> float:
        """Lab seconds that are waited at most."""
        return AT_MOST_S * min(MOST, self._interval / self._sample_s)

    async def wait(
        self, now: Callable[[], float], sample: Callable[[], Awaitable[None]], *, since: float
    ) -> float:
        """Wait until nothing has changed for long enough, but no longer than :attr:`at_most_s`.

        Args:
            now: the lab time.
            sample: records the state of all hosts.
            since: the lab time of what happened last, whether it was sampled or not.

        Returns:
            Lab seconds for which it lasted longer because samples were late.
        """
        begun = now()
        self._changed_at = max(self._changed_at, since)
        await sample()
        while (left := min(self.settled_at, begun + self.at_most_s) - now()) > 0:
            due = now() + left
            await asyncio.sleep(left)
            self._late(now() - due)  # the meter tells of it only when the run has ended
            await sample()  # it may show one more change
        on_time = max(begun, self._changed_at + QUIET_SAMPLES * self._sample_s)
        return max(0.0, now() - on_time)
