"""Said: what a host's programs say of themselves, as an operator finds it in their log."""

from __future__ import annotations

from pydantic import Field

from halfopen.checkers._words import Figure, unknown, weigh
from halfopen.fields import Bound, BoundField, Section
from halfopen.model.history import History
from halfopen.model.verdict import Evidence
from halfopen.ports import CheckSpec, Finding


class Params(Section):
    """How many lines with these words the programs of a host may have written.

    Attributes:
        at: the host.
        words: that are in such a line, as they are written there.
        count: of the lines; one at least if it is left out.
    """

    at: str
    words: str = Field(min_length=1)
    count: BoundField = Bound("at least", 1)


def judge(history: History, params: Params) -> Finding:
    """Count the lines."""
    bound = f"lines {params.count}"
    lines = [(float(r["t"]), str(r["line"])) for r in history.of("said", host=params.at)]
    if not lines:
        return unknown(bound, f"nothing that programs of {params.at} say was recorded")
    found = [(t, line) for t, line in lines if params.words in line]
    weighed = weigh(history, (Figure("lines", params.count, len(found)),))
    # The last words, if it never said these: they may well be the reason.
    evidence = tuple(Evidence(t, line) for t, line in found or lines[-3:])
    why = f"“{params.words}” of {len(lines)} lines in all: {weighed.why}"
    return Finding(weighed.verdict, weighed.observed, weighed.bound, why, evidence)


CHECK = CheckSpec(
    name="said",
    summary="lines with given words in what a host's programs say of themselves",
    params=Params,
    judge=judge,
    hosts=lambda params: (params.at,),
)
