"""The check `log contains`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from halfopen.checkers._bounds import BoundedCheck, Figure, weigh
from halfopen.checkers._words import unknown
from halfopen.fields import Bound, BoundField, Endpoint, Selector
from halfopen.model.history import History
from halfopen.model.records import SaidRecord
from halfopen.model.verdict import Evidence
from halfopen.ports import Finding


class LogContains(BoundedCheck):
    """Lines with given words in the log that a host's programs write.

    Attributes:
        at: the host.
        words: text that is in such a line, exactly as it is written there.
        count: such lines.
    """

    name = "log contains"
    summary = "lines with given words in the logs of a host's programs"
    bounds = ("count",)

    at: Endpoint
    words: Annotated[str, Selector()] = Field(min_length=1)
    count: BoundField = Bound("at least", 1)

    def judge(self, history: History) -> Finding:
        """Count the lines."""
        lines = [(r["t"], r["line"]) for r in history.of(SaidRecord, host=self.at)]
        if not lines:
            return unknown(self.asked, f"no log line of {self.at} was recorded")
        found = [(t, line) for t, line in lines if self.words in line]
        weighed = weigh(history, (Figure("count", self.count, len(found)),))
        # The last words, if it never said these: they may well be the reason.
        evidence = tuple(Evidence(t, line) for t, line in found or lines[-3:])
        why = f"lines with “{self.words}”, of {len(lines)} in all: {weighed.why}"
        return weighed.finding(why, evidence)
