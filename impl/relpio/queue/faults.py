"""Errors of a queue's disk: the present one, and what the log is told of them."""

from __future__ import annotations

import time

from relpio.logs import Log

__all__ = ["QUIET", "RETRY", "DiskFaults"]

RETRY = 1.0
"""Seconds between attempts after an error of the disk."""

QUIET = 10.0
"""Seconds from a recovery to the next error that is logged: the edge of a full disk has many."""


class DiskFaults:
    """Whether the disk works. `now` is its last error, until it works again."""

    def __init__(self, log: Log) -> None:
        """Begin with a disk that works."""
        self._log = log
        self.now: OSError | None = None
        self._told = False  # the log knows of the fault
        self._told_at = -QUIET

    def failed(self, error: OSError) -> None:
        """Take note of an error."""
        self.now = error
        now = time.monotonic()
        if not self._told and now - self._told_at >= QUIET:
            self._told, self._told_at = True, now
            self._log("queue-error", detail=str(error), retry_seconds=RETRY)

    def healed(self) -> None:
        """Take note that the disk works; harmless when nothing was wrong."""
        if self.now is None:
            return
        self.now = None
        if self._told:
            self._told, self._told_at = False, time.monotonic()
            self._log("queue-recovered")
