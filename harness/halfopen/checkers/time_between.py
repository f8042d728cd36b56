"""The check `time between`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import model_validator

from halfopen.checkers._events import Event, Occurrence, StepEvent
from halfopen.checkers._words import cut_short, moment, say, unknown, unless_delayed
from halfopen.fields import Duration, Selector, Timer
from halfopen.model.history import History
from halfopen.model.units import format_duration
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Check, Finding


class TimeBetween(Check):
    """Time from one event to the next occurrence of another.

    An event is a step of the scenario (`{ step: silent drop }`), a line that a program writes
    (`{ line: GOAWAY, at: sender }`), a TCP state (`{ state: CLOSE_WAIT, at: receiver }`) or a
    record of the history (`{ record: flow, at: firewall, where: { event: destroyed } }`).

    Without the first event there is nothing to measure, and the verdict is *unknown*. If the second
    does not come within `at most`, it is a failure; *unknown* if the run ended before that time. A
    scenario whose steps end before that is refused.

    Attributes:
        first: the event from which time counts, when it occurs for the first time.
        then: the event that follows: its first occurrence after that.
        at_most: the longest time allowed.
        at_least: the shortest time allowed.
    """

    name = "time between"
    summary = "time from one event (a step, a line, a state, a record) to another"
    awaited = False

    first: Annotated[Event, Selector()]
    then: Annotated[Event, Selector()]
    at_most: Duration | None = None
    at_least: Duration | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> TimeBetween:
        if self.at_most is None and self.at_least is None:
            raise ValueError("time between needs a bound; add `at most` or `at least`")
        if None not in (self.at_most, self.at_least) and self.at_least > self.at_most:  # type: ignore[operator]
            raise ValueError("`at least` is more than `at most`; exchange them")
        return self

    @property
    def aftermath(self) -> float:
        """As long as it may take; no time for a step, which comes when it is its turn."""
        return 0.0 if isinstance(self.then, StepEvent) else self.at_most or 0.0

    @property
    def aftermath_of(self) -> str:
        """The step that it counts from; of another first event only that it is in the run."""
        return self.first.step if isinstance(self.first, StepEvent) else ""

    @property
    def named_steps(self) -> Sequence[str]:
        """The steps that its events are about."""
        return [e.step for e in (self.first, self.then) if isinstance(e, StepEvent)]

    def judge(self, history: History) -> Finding:
        """Measure it; what was observed is the time in seconds of production."""
        bound = self._bound(history)
        start = next(iter(self.first.occurrences(history)), None)
        if start is None:
            reason = self.first.unseen(history) or "there is nothing to measure from"
            if not history.complete:
                reason = f"{reason}; {cut_short(history)}"
            return unknown(bound, f"{self.first} was never seen: {reason}")
        following = (
            each
            for each in self.then.occurrences(history)
            if each.t > start.t or (each.t == start.t and self.then != self.first)
        )
        end = next(following, None)
        if end is None:
            return self._never(history, bound, start)
        return self._measured(history, bound, start, end)

    def _measured(
        self, history: History, bound: str, start: Occurrence, end: Occurrence
    ) -> Finding:
        took = end.t - start.t
        least, most = max(0.0, took - end.since), took + start.since
        why = f"{say(history, took)} from “{start.text}” to “{end.text}”"
        evidence = (_evidence(history, start), _evidence(history, end))
        observed = round(took * history.scale, 3)
        too_long = self.at_most is not None and least > self.at_most
        if too_long or (self.at_least is not None and most < self.at_least):
            failed = Finding(Verdict.FAIL, observed, bound, why, evidence)
            if not too_long or self.at_most is None:
                return failed
            return unless_delayed(history, failed, [(start.t, end.t)], self.at_most)
        if (self.at_most is not None and most > self.at_most) or (
            self.at_least is not None and least < self.at_least
        ):
            return unknown(bound, f"{why}: samples are too far apart to tell", evidence)
        if not history.complete:
            return unknown(bound, f"{cut_short(history)}; so far {why}", evidence)
        return Finding(Verdict.PASS, observed, bound, why, evidence)

    def _never(self, history: History, bound: str, start: Occurrence) -> Finding:
        waited = history.duration - start.t
        evidence = (_evidence(history, start),)
        why = f"{self.then} was not seen in {say(history, waited)} after “{start.text}”"
        if reason := self.then.unseen(history):
            return unknown(bound, f"{why}: {reason}", evidence)
        if self.at_most is None:
            return unknown(bound, f"{why}: there is no time to measure", evidence)
        if waited - start.since <= self.at_most:
            length = format_duration(self.at_most * history.scale)
            remedy = f"add `- wait: {length}` at the end of the steps"
            return unknown(bound, f"{why}: the run ended too early to say; {remedy}", evidence)
        observed = round(waited * history.scale, 3)
        failed = Finding(Verdict.FAIL, observed, bound, why, evidence)
        return unless_delayed(history, failed, [(start.t, history.duration)], self.at_most)

    def _bound(self, history: History) -> str:
        given = (("at least", self.at_least), ("at most", self.at_most))
        return ", ".join(
            f"{words} {format_duration(seconds * history.scale)}"
            for words, seconds in given
            if seconds is not None
        )

    def timers(self) -> Sequence[Timer]:
        """The bounds that the time scale must keep in order."""
        given = (("at least", self.at_least), ("at most", self.at_most))
        return [Timer(f"time between: {k}", s, "answer") for k, s in given if s is not None]


def _evidence(history: History, each: Occurrence) -> Evidence:
    return Evidence(each.t, f"{each.text}, at {moment(history, each.t)}")
