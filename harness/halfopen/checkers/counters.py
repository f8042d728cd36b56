"""The check `counters`."""

from __future__ import annotations

from typing import Annotated

from halfopen.checkers._bounds import AtEndAndPeak
from halfopen.checkers._words import moment, unknown, unseen
from halfopen.fields import Selector
from halfopen.model.history import History
from halfopen.model.records import ImpstatsRecord
from halfopen.model.verdict import Evidence
from halfopen.ports import Finding


class Counters(AtEndAndPeak):
    """A counter that a program keeps of itself: of rsyslog its impstats, option `impstats`.

    Attributes:
        at: the host.
        of: the set of counters, as the program names it: `forward-0`, `main Q`.
        counter: its name in the set: `processed`, `discarded.nf`.
        at_end: its last value.
        peak: its greatest value.
    """

    name = "counters"
    summary = "the counters that a program reports of itself (rsyslog's impstats)"

    of: Annotated[str, Selector()]
    counter: Annotated[str, Selector()]

    def judge(self, history: History) -> Finding:
        """Hold the last, and the greatest, of what was said against the bounds."""
        records = [each for each in history.of(ImpstatsRecord) if each["host"] in self.counted]
        if missing := unseen(self.counted, records):
            why = f"{missing} reports no counters (for rsyslog: set `impstats`)"
            return unknown(self.asked, why)
        mine = [record for record in records if record["name"] == self.of]
        if missing := unseen(self.counted, mine):
            names = ", ".join(sorted({record["name"] for record in records}))
            return unknown(self.asked, f"{missing} has no set {self.of!r}; available: {names}")
        with_it = [record for record in mine if self.counter in record["values"]]
        if unseen(self.counted, with_it):
            names = ", ".join(sorted({str(name) for record in mine for name in record["values"]}))
            return unknown(
                self.asked, f"{self.of} has no counter {self.counter!r}; available: {names}"
            )
        said: dict[str, int] = {}
        series = []
        for record in with_it:
            said[record["host"]] = int(record["values"][self.counter])
            series.append((record["t"], sum(said.values())))
        weighed = self.weigh(history, series[-1][1], max(value for _, value in series))
        evidence = tuple(
            Evidence(t, f"{self.of}: {self.counter} is {value} at {moment(history, t)}")
            for (t, value), before in zip(series, [None, *series], strict=False)
            if before is None or before[1] != value
        )
        why = f"{self.counter} of {self.of}: {weighed.why}"
        return weighed.finding(why, evidence)
