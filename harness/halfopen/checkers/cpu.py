"""The check `cpu`."""

from __future__ import annotations

from halfopen.checkers._words import cut_short, moment, unknown
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
    work is over sooner, and what spins goes on spinning.

    Attributes:
        at: the host.
        at_most: the share of one CPU that a process may use.
    """

    name = "cpu"
    summary = "the share of a CPU that the busiest program of a host takes: whether it spins"

    at: Endpoint
    at_most: Share

    def judge(self, history: History) -> Finding:
        """Hold the busiest window of the busiest process against the bound."""
        bound = f"at most {self.at_most:.0%} of a CPU"
        found = shares(history, self.at)
        if not found:
            return unknown(bound, f"no program of {self.at} was watched for {_WINDOW_S:g} s")
        t, most, program, pid = max(found, key=lambda each: each[1])
        evidence = (
            Evidence(
                t, f"{program} (pid {pid}) took {most:.0%} of a CPU until {moment(history, t)}"
            ),
        )
        why = f"the busiest program, {program}, took {most:.0%} of a CPU"
        if most > self.at_most:
            return Finding(Verdict.FAIL, round(100 * most), bound, why, evidence)
        if not history.complete:
            return unknown(bound, f"{cut_short(history)}; so far {why}", evidence)
        return Finding(Verdict.PASS, round(100 * most), bound, why, evidence)


def shares(history: History, host: str) -> list[tuple[float, float, str, int]]:
    """(t, share of a CPU in the window before it, program, pid) of every process of `host`."""
    samples: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for record in history.of(FdsRecord, host=host):
        if "cpu_s" in record:
            process = (record["process"], record["pid"])
            samples.setdefault(process, []).append((record["t"], record["cpu_s"]))
    found = []
    for (program, pid), series in samples.items():
        first = 0
        for t, used in series:
            while first + 1 < len(series) and t - series[first + 1][0] >= _WINDOW_S:
                first += 1
            begin, before = series[first]
            if t - begin >= _WINDOW_S:
                found.append((t, (used - before) / (t - begin), program, pid))
    return found
