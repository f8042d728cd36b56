"""The check `log contains`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from halfopen.checkers._bounds import BoundedCheck, Figure, weigh
from halfopen.checkers._lines import lines_of
from halfopen.checkers._words import unknown
from halfopen.fields import Bound, BoundField, Endpoint, Selector
from halfopen.model.history import History
from halfopen.model.verdict import Evidence
from halfopen.ports import Finding


class LogContains(BoundedCheck):
    """Lines with given words in what a host's programs write.

    That is what they write to standard output and standard error, except messages that they
    receive; of rsyslog it is its own log.  An event of a structured log is a line of JSON.

    Attributes:
        at: the host.
        words: text that is in such a line, exactly as it is written there.
        count: such lines.
    """

    name = "log contains"
    summary = "lines with given words in what a host's programs write"
    bounds = ("count",)

    at: Endpoint
    words: Annotated[str, Selector()] = Field(min_length=1)
    count: BoundField = Bound("at least", 1)

    def judge(self, history: History) -> Finding:
        """Count the lines."""
        said = lines_of(history, self.at)
        if said is None:
            return unknown(self.asked, f"nothing that programs of {self.at} write was recorded")
        found = [each for each in said.lines if self.words in each.text]
        weighed = weigh(history, (Figure("count", self.count, len(found)),))
        # The last words, if it never said these: they may well be the reason.
        evidence = tuple(Evidence(each.t, each.text) for each in found or said.lines[-3:])
        why = f"“{self.words}” in {len(found)} of {len(said.lines)} lines"
        enough = len(found) >= self.count.number + (self.count.relation != "at least")
        if said.cut and not enough:
            return unknown(
                self.asked, f"{why}; more lines were written than are recorded", evidence
            )
        return weighed.finding(f"{why}: {weighed.why}", evidence)
