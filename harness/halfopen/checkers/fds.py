"""The check `fds`."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Annotated, Literal

from halfopen.checkers._bounds import AtEndAndPeak
from halfopen.checkers._words import cut_short, in_short, moment, unknown, unseen
from halfopen.fields import Selector
from halfopen.model.history import History
from halfopen.model.records import FdsRecord, ProcessRecord
from halfopen.model.steps import PlannedWait
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import FigureFound, Finding

_GRID = 120
# A stair that rises by one for each idle period has a slope near one for each; half of that is
# nearer to a leak than to none.
_LEAK = 0.5

Kind = Literal["tcp", "listen", "unix", "socket", "pipe", "file", "other", "all"]


class Fds(AtEndAndPeak):
    """How many file descriptors the programs of a host hold together, and whether they leak.

    Attributes:
        at: the host.
        kind: which descriptors count: connections (`tcp`), listening sockets (`listen`), Unix
            sockets (`unix`), other sockets (`socket`: UDP, netlink, closed TCP), pipes (`pipe`),
            files (`file`), what else there is (`other`: epoll, timers), or `all` of them.
        at_end: descriptors at the end of the run.
        peak: descriptors at the same time.
        trend: `flat`: the number must not rise from one pause between messages to the next.
    """

    name = "fds"
    summary = "file descriptors that a host's programs hold: at the end, at most, and the trend"
    bounds = ("at_end", "peak", "trend")

    kind: Annotated[Kind, Selector()] = "tcp"
    trend: Literal["flat"] | None = None

    def judge(self, history: History) -> Finding:
        """Hold the sum over the host's programs against the bounds, and look for a leak."""
        series = fd_series(history, self.counted, self.kind)
        if missing := unseen(self.counted, history.of(FdsRecord)):
            return unknown(self.asked, f"no file descriptor of {missing} was ever counted")
        evidence = _changes(history, self, series)
        verdict, observed, whys = Verdict.PASS, float(series[-1][1]), []
        figures: tuple[FigureFound, ...] = ()
        if self.at_end is not None or self.peak is not None:
            weighed = self.weigh(history, series[-1][1], max(value for _, value in series))
            verdict, observed, figures = weighed.verdict, weighed.observed, weighed.figures
            whys.append(weighed.why)
        if self.trend is not None:
            trend, why = _trend(history, series)
            whys.append(why)
            figures = (*figures, FigureFound("trend", series[-1][1], trend))
            verdict = max((verdict, trend), key=(Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL).index)
        why = f"{self.kind} descriptors: {', '.join(whys)}"
        return Finding(verdict, observed, self.asked, why, evidence, figures)


def fd_series(history: History, hosts: Sequence[str], kind: str = "tcp") -> list[tuple[float, int]]:
    """(t, descriptors of `kind` over all programs of `hosts`) whenever one was sampled.

    Args:
        history: of the run.
        hosts: their names.
        kind: a key of the samples' counts, or `all`.
    """
    held: dict[tuple[str, str, int], int] = {}
    series: list[tuple[float, int]] = []
    for record in history.among(FdsRecord, ProcessRecord):
        if record["kind"] not in ("fds", "process") or record["host"] not in hosts:
            continue
        process = (record["host"], record["process"], record["pid"])
        if record["kind"] == "fds":
            counts = record["counts"]
            held[process] = sum(counts.values()) if kind == "all" else counts.get(kind, 0)
        elif record["state"] == "exited" and process in held:
            del held[process]
        else:
            continue
        series.append((record["t"], sum(held.values())))
    return series


def _changes(
    history: History, check: Fds, series: Sequence[tuple[float, int]]
) -> tuple[Evidence, ...]:
    found, before = [], 0
    for t, value in series:
        if value != before:
            words = f"{check.kind} descriptors at {in_short(check.counted)}: {before} to {value}"
            found.append(Evidence(t, f"{words} at {moment(history, t)}"))
        before = value
    return tuple(found)


def _trend(history: History, series: Sequence[tuple[float, int]]) -> tuple[Verdict, str]:
    """Whether the count climbs from one idle period to the next, by a Theil-Sen slope."""
    begin = next((t for t, value in series if value), None)
    if begin is None:
        return Verdict.UNKNOWN, "no trend: there never was such a descriptor"
    end = history.duration
    if end - begin < 10 * history.sample_s:
        return Verdict.UNKNOWN, "no trend: too few samples"
    if not history.complete:
        return Verdict.UNKNOWN, cut_short(history)
    grid = [begin + (end - begin) * i / (_GRID - 1) for i in range(_GRID)]
    values = _on_grid(series, grid)
    slope = median(
        (values[j] - values[i]) / (grid[j] - grid[i])
        for i in range(_GRID)
        for j in range(i + 1, _GRID)
    )
    idle = sum(1 for step in history.steps if isinstance(step, PlannedWait)) or 1
    steps = slope * (end - begin) / idle
    if steps >= _LEAK and values[-1] - values[0] >= 1:
        return Verdict.FAIL, f"trend rising by about {steps:.1f} in each of {idle} idle periods"
    return Verdict.PASS, f"trend flat over {idle} idle periods"


def _on_grid(series: Sequence[tuple[float, int]], grid: Sequence[float]) -> list[int]:
    values, position = [], 0
    for t in grid:
        while position + 1 < len(series) and series[position + 1][0] <= t:
            position += 1
        values.append(series[position][1])
    return values
