"""The check `cpu`."""

from __future__ import annotations

from dataclasses import dataclass

from halfopen.checkers._words import cut_short, late, moment, unknown
from halfopen.fields import Endpoint, Share
from halfopen.model.history import History
from halfopen.model.records import FdsRecord
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Check, Finding

# A burst of work is over in less; what spins spins on.
_WINDOW_S = 2.0


class Cpu(Check):
    """The share of a CPU that the programs of a host use, to find those that spin.

    The figure is that of the busiest process in its busiest two seconds of lab time: a burst of
    work is over sooner, and what spins goes on spinning.  Time in which a process could have run
    but waited for a CPU does not count, so that on a busy machine, too, a process that spins takes
    all of the CPU that there was.

    Attributes:
        at: the host.
        at_most: the share of one CPU that a process may use.
    """

    name = "cpu"
    summary = "the share of a CPU that the busiest program of a host uses: whether it spins"

    at: Endpoint
    at_most: Share

    def judge(self, history: History) -> Finding:
        """Hold the busiest window of the busiest process against the bound."""
        bound = f"at most {self.at_most:.0%} of a CPU"
        found = usage(history, self.at)
        if not found:
            return unknown(bound, f"no program of {self.at} was watched for {_WINDOW_S:g} s")
        most = max(found, key=lambda each: each.share)
        until = moment(history, most.t)
        who = f"{most.program} (pid {most.pid})"
        evidence = (Evidence(most.t, f"{who} took {most.share:.0%} of a CPU until {until}"),)
        why = f"the busiest program, {most.program}, took {most.share:.0%} of a CPU"
        if most.waited_s >= 0.1:
            why += f" in the {most.had_s:.1f} s for which it did not wait for one"
        if most.share > self.at_most:
            return Finding(Verdict.FAIL, round(100 * most.share), bound, why, evidence)
        if not history.complete:
            return unknown(bound, f"{cut_short(history)}; so far {why}", evidence)
        passed = Finding(Verdict.PASS, round(100 * most.share), bound, why, evidence)
        if starved := _starved(history, self.at):
            # It was never given two seconds' worth of CPU: nobody knows what it would have done.
            return late(bound, passed, starved, "and no program had a CPU for two seconds")
        return passed


@dataclass(frozen=True)
class Usage:
    """What a process took of a CPU in a window.

    Attributes:
        t: end of the window, lab time.
        program: its name.
        pid: of the process.
        share: part of the time in which it had a CPU, or wanted none, that it ran.
        had_s: that time in seconds.
        waited_s: seconds in which it could have run and waited.
    """

    t: float
    program: str
    pid: int
    share: float
    had_s: float
    waited_s: float


@dataclass(frozen=True)
class _Sample:
    """A process at one moment.

    Attributes:
        t: lab time.
        cpu_s: how long it has run.
        waited_s: for how long its threads together have waited for a CPU.
        had_s: seconds since its first sample in which it had one, or wanted none.
    """

    t: float
    cpu_s: float
    waited_s: float
    had_s: float


def usage(history: History, host: str) -> list[Usage]:
    """What every process of `host` took, in each window of two seconds that it had a CPU."""
    found = []
    for (program, pid), series in _processes(history, host).items():
        first = 0
        for last in series:
            while first + 1 < len(series) and last.had_s - series[first + 1].had_s >= _WINDOW_S:
                first += 1
            begin = series[first]
            had = last.had_s - begin.had_s
            if had >= _WINDOW_S:
                share = (last.cpu_s - begin.cpu_s) / had
                waited = max(0.0, last.t - begin.t - had)
                found.append(Usage(last.t, program, pid, share, had, waited))
    return found


def _starved(history: History, host: str) -> float:
    """How long a process waited that was not given two seconds in its life; 0 if all were."""
    waits = [0.0]
    for series in _processes(history, host).values():
        lived, had = series[-1].t - series[0].t, series[-1].had_s
        if lived >= _WINDOW_S > had:
            waits.append(lived - had)
    return max(waits)


def _processes(history: History, host: str) -> dict[tuple[str, int], list[_Sample]]:
    samples: dict[tuple[str, int], list[_Sample]] = {}
    for record in (each for each in history.of(FdsRecord, host=host) if "cpu_s" in each):
        t, cpu_s, waited_s = record["t"], record["cpu_s"], record.get("waited_s", 0.0)
        series = samples.setdefault((record["process"], record["pid"]), [])
        had_s = 0.0
        if series:
            before = series[-1]
            # Several threads may wait at once: while one of them ran, the process had a CPU.
            ran = min(t - before.t, cpu_s - before.cpu_s)
            waited = max(0.0, waited_s - before.waited_s)
            had_s = before.had_s + max(t - before.t - waited, ran)
        series.append(_Sample(t, cpu_s, waited_s, had_s))
    return samples
