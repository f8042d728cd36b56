"""The check `spool`."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.checkers._bounds import AtEndAndPeak
from halfopen.checkers._words import in_short, moment, unknown, unseen
from halfopen.model.history import History
from halfopen.model.records import SpoolRecord
from halfopen.model.verdict import Evidence
from halfopen.ports import Finding


class Spool(AtEndAndPeak):
    """Bytes that the programs of a host keep on disk, as queues do.

    The files are read four times a second: what is there for less may be missed.

    Attributes:
        at: the host.
        at_end: bytes at the end of the run.
        peak: bytes at the same time.
    """

    name = "spool"
    summary = "bytes that a host's programs keep on disk, as queues do: at the end, and at most"

    def judge(self, history: History) -> Finding:
        """Hold the bytes against the bounds."""
        series = spool_series(history, self.counted)
        if missing := unseen(self.counted, history.of(SpoolRecord)):
            return unknown(self.asked, f"no spool of {missing} was ever sampled")
        t, peak = max(series, key=lambda each: each[1])
        weighed = self.weigh(history, series[-1][1], peak)
        evidence = (
            Evidence(
                t, f"{peak} bytes at {in_short(self.counted)} at {moment(history, t)}, the most"
            ),
            Evidence(
                series[-1][0],
                f"{series[-1][1]} bytes from {moment(history, series[-1][0])} to the end",
            ),
        )
        why = f"bytes on disk: {weighed.why}"
        return weighed.finding(why, evidence)


def spool_series(history: History, hosts: Sequence[str]) -> list[tuple[float, int]]:
    """(t, bytes in all spools of `hosts`) whenever that changed."""
    held: dict[tuple[str, str], int] = {}
    series = []
    for record in history.of(SpoolRecord):
        if record["host"] not in hosts:
            continue
        held[record["host"], record["path"]] = record["bytes"]
        series.append((record["t"], sum(held.values())))
    return series
