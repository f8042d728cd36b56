"""The check `stalled`."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.checkers._ledger import read_ledger
from halfopen.checkers._stalls import Stall, stalls
from halfopen.checkers._words import cut_short, moment, runs, say, unknown, unless_delayed
from halfopen.fields import Duration, Endpoint, Timer
from halfopen.model.history import History
from halfopen.model.units import format_duration
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Check, Finding

_EXCERPTS = 5


class Stalled(Check):
    """How long messages wait at an open session without an acknowledgement.

    A sender whose path is dead, and that does not notice, loses no session: `reconnect` alone has
    little to measure.  What counts is a stretch of an open session in which something waits and
    nothing that was sent before it, nor it itself, is acknowledged.  For a program that records
    what was acknowledged these are messages; for any other the bytes that the peer's TCP has not
    acknowledged.

    Attributes:
        at: the sender.
        within: the longest wait allowed.
    """

    name = "stalled"
    summary = "how long messages wait unacknowledged at an open session"

    at: Endpoint
    within: Duration

    def judge(self, history: History) -> Finding:
        """Find the longest wait; what was observed is in seconds of production."""
        bound = f"within {format_duration(self.within * history.scale)}"
        ledger = read_ledger(history)
        if not any(host == self.at for _, host in ledger.sent.values()):
            return unknown(bound, f"no message was sent to {self.at}")
        found = stalls(history, ledger, self.at)
        if found is None:
            return unknown(bound, f"neither a log nor a socket of {self.at} shows its sessions")
        longest = max((each.length for each in found), default=0.0)
        late = [each for each in found if each.length > self.within]
        waiting = [each for each in found if not each.over]
        observed = round(longest * history.scale, 3)
        if late:
            end = ", until the end" if any(not each.over for each in late) else ""
            why = f"{_what(late)} waited at an open session, at worst {say(history, longest)}{end}"
            finding = Finding(Verdict.FAIL, observed, bound, why, _evidence(history, late))
            spans = [(each.start, each.end) for each in late]
            return unless_delayed(history, finding, spans, self.within)
        if waiting:
            most = say(history, max(each.length for each in waiting))
            why = f"still waiting at the end, for {most} so far: {_what(waiting)}; too early to say"
            return Finding(Verdict.UNKNOWN, observed, bound, why, _evidence(history, waiting))
        seen = f"nothing waited at an open session for longer than {say(history, longest)}"
        if not history.complete:
            return unknown(bound, f"{cut_short(history)}; so far {seen}")
        return Finding(Verdict.PASS, observed, bound, seen)

    @property
    def aftermath(self) -> float:
        """As long as it may take."""
        return self.within

    def timers(self) -> Sequence[Timer]:
        """The bounds that the time scale must keep in order."""
        return (Timer("stalled within", self.within, "answer"),)


def _what(found: Sequence[Stall]) -> str:
    """What waited: the messages, or the largest amount of bytes."""
    numbers = sorted({each.what for each in found if isinstance(each.what, int)})
    if numbers:
        return f"message{'s' if len(numbers) > 1 else ''} {runs(numbers)}"
    return str(max(found, key=lambda each: each.length).what)


def _evidence(history: History, found: Sequence[Stall]) -> tuple[Evidence, ...]:
    """The longest waits; messages that waited together are one fact."""
    together: dict[tuple[float, float], list[Stall]] = {}
    for each in found:
        together.setdefault((each.start, each.end), []).append(each)
    worst = sorted(together, key=lambda each: each[0] - each[1])[:_EXCERPTS]
    return tuple(
        Evidence(
            start,
            f"{_what(together[start, end])} waited from {moment(history, start)} on for "
            f"{say(history, end - start)}"
            + ("" if together[start, end][0].over else ", until the end"),
            together[start, end][0].flow,
        )
        for start, end in worst
    )
