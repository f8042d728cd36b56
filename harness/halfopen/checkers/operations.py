"""The check `operations`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import ClassVar

from halfopen.checkers._bounds import BoundedCheck, Figure, weigh
from halfopen.checkers._operations import OUTCOMES, Operation, read_operations
from halfopen.checkers._words import cut_short, moment, say, unknown, unless_delayed
from halfopen.fields import Bound, BoundField, Duration, Endpoint, Timer
from halfopen.model.history import History
from halfopen.model.units import count, format_duration
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import FigureFound, Finding

_EXCERPTS = 5


class Operations(BoundedCheck):
    """What became of the operations of a client, and how long they took.

    An operation is something that a client asks a server to do: a request, a query.  Each is *ok*,
    *failed* (the server has not done it), *unknown* (it may have: the connection was lost, or no
    answer came) or *wrong* (answered, and not rightly).  The client says so: `http client` does,
    and any `command send` can, with lines of JSON on its standard output or standard error:
    `{"event": "operation", "number": 7, "state": "begun"}` when it begins the seventh line that it
    was given, and the same with `ok`, `failed`, `unknown` or `wrong` when it knows.  `begun` again
    is another attempt.  `took` (seconds since it was first begun) and `reason` may be added.

    An operation that still waits at the end of the run leaves undecided what its outcome could
    change; give `within`, and the run waits as long.  One whose program ended is unknown.

    Attributes:
        at: the client's host.
        ok: operations that were done.
        failed: operations that were not done.
        unknown: operations of which the client cannot know.
        wrong: operations that were answered wrongly.
        retries: attempts beyond the first of each.
        within: the longest time that an operation may take, all its attempts included.
    """

    name = "operations"
    summary = "outcome and duration of what a client asks a server to do"
    bounds: ClassVar[tuple[str, ...]] = (*OUTCOMES, "retries", "within")

    at: Endpoint
    ok: BoundField | None = None
    failed: BoundField | None = None
    unknown: BoundField | None = None
    wrong: BoundField | None = None
    retries: BoundField | None = None
    within: Duration | None = None

    def judge(self, history: History) -> Finding:
        """Count outcomes, and find the slowest."""
        read = read_operations(history, self.at)
        if read is None:
            return unknown(self._asked(history), f"no program of {self.at} began an operation")
        found = read.found
        pending = [each for each in found if each.outcome is None]
        undecided = len(pending) + read.waiting
        bounds: dict[str, Bound | None] = {name: getattr(self, name) for name in OUTCOMES}
        values = {name: sum(each.outcome == name for each in found) for name in OUTCOMES}
        figures = [_Open(name, bounds[name], values[name], pending=undecided) for name in OUTCOMES]
        again = sum(each.attempts - 1 for each in found)
        figures.append(_Open("retries", self.retries, again, pending=undecided))
        sums = f"{count(len(found) + read.waiting, 'operation')} = " + " + ".join(
            f"{values[name]} {name}" for name in OUTCOMES
        )
        sums += f" + {undecided} without an outcome" if undecided else ""
        sums += f"; {_times(history, found)}"
        counted = any(each.bound is not None for each in figures)
        weighed = weigh(history, figures) if counted else None
        slow = self._slow(history, found, read.waiting) if self.within is not None else None
        both = [each.verdict for each in (weighed, slow) if each is not None]
        verdict = next(v for v in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS) if v in both)
        if slow is not None and slow.verdict is verdict and verdict is not Verdict.PASS:
            decisive, observed = slow.why, slow.observed
        else:
            decisive = weighed.why if weighed is not None else slow.why if slow else ""
            if verdict is Verdict.UNKNOWN and history.complete:
                decisive = "operations without an outcome at the end would decide; add `within`"
            observed = weighed.observed if weighed is not None else slow.observed if slow else None
        judged = weighed.figures if weighed is not None else ()
        if slow is not None:
            judged += (FigureFound("within", slow.observed or 0.0, slow.verdict),)
        late = slow.late_s if slow is not None and slow.verdict is verdict else 0.0
        evidence = _evidence(history, found, self.within)
        why = f"{decisive}; {sums}"
        return Finding(verdict, observed, self._asked(history), why, evidence, judged, late)

    def _asked(self, history: History) -> str:
        bounds = [f"{name} {value}" for name, value in self.figures.items() if value is not None]
        if self.within is not None:
            bounds.append(f"within {format_duration(self.within * history.scale)}")
        return ", ".join(bounds)

    def _slow(self, history: History, found: Sequence[Operation], waiting: int) -> Finding:
        """Whether one took longer than `within`."""
        assert self.within is not None
        bound = f"within {format_duration(self.within * history.scale)}"
        longest = max(each.took for each in found)
        observed = round(longest * history.scale, 3)
        late = [each for each in found if each.took > self.within]
        if late:
            never = sum(each.outcome is None for each in late)
            why = f"{count(len(late), 'operation')} took longer, at worst {say(history, longest)}"
            why += f", {never} of them without an outcome until the end" if never else ""
            failed = Finding(Verdict.FAIL, observed, bound, why)
            spans = [(each.begun, each.begun + each.took) for each in late]
            return unless_delayed(history, failed, spans, self.within)
        if undecided := waiting + sum(each.outcome is None for each in found):
            why = f"{count(undecided, 'operation')} had no outcome at the end: too early to say"
            return Finding(Verdict.UNKNOWN, observed, bound, why)
        why = f"the slowest took {say(history, longest)}"
        if not history.complete:
            return Finding(Verdict.UNKNOWN, observed, bound, f"{cut_short(history)}; so far {why}")
        return Finding(Verdict.PASS, observed, bound, why)

    @property
    def aftermath(self) -> float:
        """As long as one may take."""
        return self.within or 0.0

    def timers(self) -> Sequence[Timer]:
        """The bounds that the time scale must keep in order."""
        if self.within is None:
            return ()
        return (Timer("operations within", self.within, "answer"),)


@dataclass(frozen=True)
class _Open(Figure):
    """A figure that operations without an outcome could still raise.

    Attributes:
        pending: how many of them there are.
    """

    pending: int = 0

    def verdict(self, history: History) -> Verdict:
        """Unknown if they would decide."""
        assert self.bound is not None
        possible = {
            self.bound.holds(value) for value in range(self.value, self.value + self.pending + 1)
        }
        if len(possible) > 1:
            return Verdict.UNKNOWN
        return super().verdict(history)


def _times(history: History, found: Sequence[Operation]) -> str:
    took = [each.took for each in found if each.outcome is not None]
    if not took:
        return "none has ended"
    return f"median {say(history, median(took))}, slowest {say(history, max(took))}"


def _evidence(
    history: History, found: Sequence[Operation], within: float | None
) -> tuple[Evidence, ...]:
    """Those that are not ok, and the slow ones: the first few."""
    told = [
        each
        for each in found
        if each.outcome != "ok" or (within is not None and each.took > within)
    ]
    return tuple(
        Evidence(each.begun, _in_words(history, each))
        for each in sorted(told, key=lambda each: each.begun)[:_EXCERPTS]
    )


def _in_words(history: History, each: Operation) -> str:
    begun = f"operation {each.number}, begun at {moment(history, each.begun)},"
    times = f" at attempt {each.attempts}" if each.attempts > 1 else ""
    after = f"{say(history, each.took)}{times}"
    if each.outcome is None:
        return f"{begun} had no outcome {after} later, at the end"
    reason = f": {each.reason}" if each.reason else ""
    return f"{begun} was {each.outcome} after {after}{reason}"
