"""The check `time to connect`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from halfopen.checkers._sessions import sessions_in_log, sessions_in_sockets
from halfopen.checkers._words import cut_short, moment, say, unknown
from halfopen.fields import Duration, Endpoint, Timer
from halfopen.model.history import History
from halfopen.model.records import ProcessRecord
from halfopen.model.units import count, format_duration
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Check, Finding


class TimeToConnect(Check):
    """Time from the start of a program to its first open session.

    Each start of the host's program counts, also that after a restart.  A program that tells of
    its sessions (`session-open`) is taken at its word; for any other its first ESTABLISHED
    connection counts.  A program that ended before it had a session, because a step or a fault
    asked it to, is left out.

    Attributes:
        at: the host whose program connects.
        within: the longest time allowed.
    """

    name = "time to connect"
    summary = "time from the start of a program to its first open session"

    at: Endpoint
    within: Duration

    def judge(self, history: History) -> Finding:
        """Measure every start; what was observed is the longest in seconds of production."""
        bound = f"within {format_duration(self.within * history.scale)}"
        sessions = sessions_in_log(history, self.at)
        if sessions is None:
            sessions = sessions_in_sockets(history, self.at)
        starts = _starts(history, self.at)
        if sessions is None or not starts:
            missing = "program was ever started" if not starts else "socket was ever sampled"
            return unknown(bound, f"at {self.at} no {missing}")
        opened = [session.interval.start for session in sessions]
        connects = [_connect(each, opened) for each in starts]
        counted = [each for each in connects if each is not None]
        if not counted:
            return unknown(bound, f"every program of {self.at} was stopped before it connected")
        evidence = tuple(_evidence(history, each) for each in counted)
        longest = max(each.took for each in counted)
        observed = round(longest * history.scale, 3)
        late = [each for each in counted if each.took > self.within]
        if late:
            why = f"{len(late)} of {count(len(counted), 'start')} took too long to connect"
            never = sum(not each.connected for each in late)
            why += f", {never} of them never did" if never else ""
            why += f"; at worst {say(history, longest)}"
            return Finding(Verdict.FAIL, observed, bound, why, evidence)
        if not all(each.connected for each in counted):
            why = f"the last start was {say(history, counted[-1].took)} before the end"
            return Finding(Verdict.UNKNOWN, observed, bound, f"{why}: too late to say", evidence)
        why = f"{count(len(counted), 'start')}, connected after at most {say(history, longest)}"
        if not history.complete:
            return unknown(bound, f"{cut_short(history)}; so far {why}", evidence)
        return Finding(Verdict.PASS, observed, bound, why, evidence)

    @property
    def aftermath(self) -> float:
        """As long as it may take."""
        return self.within

    def timers(self) -> Sequence[Timer]:
        """The bounds that the time scale must keep in order."""
        return (Timer("time to connect within", self.within, "answer"),)


@dataclass(frozen=True)
class _Run:
    """One run of the host's program.

    Attributes:
        start: when it was started.
        end: when it ended, or the end of the history.
        asked: True if a step or a fault ended it.
    """

    start: float
    end: float
    asked: bool


@dataclass(frozen=True)
class _Connect:
    """How long one run took to connect.

    Attributes:
        start: when the program was started.
        took: lab seconds, until the session was open or the program or the history ended.
        connected: False if it never had a session.
    """

    start: float
    took: float
    connected: bool


def _starts(history: History, at: str) -> list[_Run]:
    """Runs of the host's subject: the last of the programs that are started together."""
    records = history.of(ProcessRecord, host=at)
    names = [record["process"] for record in records if record["state"] == "started"]
    mine = [record for record in records if names and record["process"] == names[-1]]
    found: list[_Run] = []
    for record in mine:
        if record["state"] == "started":
            found.append(_Run(record["t"], history.duration, asked=False))
        elif record["state"] == "exited" and found:
            found[-1] = _Run(found[-1].start, record["t"], record.get("asked", False))
    return found


def _connect(run: _Run, opened: Sequence[float]) -> _Connect | None:
    first = min((t for t in opened if run.start <= t <= run.end), default=None)
    if first is not None:
        return _Connect(run.start, first - run.start, connected=True)
    return None if run.asked else _Connect(run.start, run.end - run.start, connected=False)


def _evidence(history: History, each: _Connect) -> Evidence:
    verb = "connected after" if each.connected else "not connected for"
    when = moment(history, each.start)
    return Evidence(each.start, f"started at {when}, {verb} {say(history, each.took)}")
