"""The check `reconnect`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from halfopen.checkers._ledger import Ledger, read_ledger
from halfopen.checkers._sessions import sessions_in_log, sessions_in_sockets
from halfopen.checkers._stalls import stalls
from halfopen.checkers._words import cut_short, moment, say, unknown, unless_delayed
from halfopen.fields import Duration, Endpoint, Timer
from halfopen.model.flows import Flow, flows
from halfopen.model.history import History
from halfopen.model.records import FaultRecord
from halfopen.model.units import count, format_duration
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Check, Finding

_NEVER_NOTICED = "never noticed by the sender"


class Reconnect(Check):
    """Time from the first message sent on a dead connection to the next open session.

    A session that is open at the end, though something sent over it is not acknowledged for longer
    than that, counts as lost and never opened again; `stalled` also judges waits that end.

    Attributes:
        at: the sender.
        within: the longest time allowed.
    """

    name = "reconnect"
    summary = "time from the first message into a dead flow to the next open session"

    at: Endpoint
    within: Duration

    def judge(self, history: History) -> Finding:
        """Measure every loss of a session from the first message into the dead flow.

        What was observed is the longest time in seconds of production.
        """
        bound = f"within {format_duration(self.within * history.scale)}"
        ledger, known = read_ledger(history), flows(history)
        found = _from_log(history, ledger, self.at, self.within)
        if found is None:
            found = _from_sockets(history, ledger, self.at, self.within)
        if found is None:
            return unknown(bound, f"neither a log nor a socket of {self.at} shows its sessions")
        losses = [_dated(history, ledger, known, self.at, each) for each in found]
        evidence = tuple(_evidence(history, each) for each in losses)
        if not losses:
            if not history.complete:
                return unknown(bound, f"{cut_short(history)}; no session was lost so far")
            return Finding(Verdict.PASS, 0, bound, "no session was lost")
        spans = [(e.start, history.duration if e.again is None else e.again) for e in losses]
        took = [end - start for start, end in spans]
        late = sum(t > self.within for t in took)
        waiting = sum(e.again is None for e in losses)
        worst = say(history, max(took))
        if late:
            verdict = Verdict.FAIL
            why = (
                f"{late} of {len(losses)} reconnects took too long or never came, at worst {worst}"
            )
        elif waiting:
            verdict = Verdict.UNKNOWN
            why = f"the last session was lost {worst} before the end: too late to say"
        elif not history.complete:
            verdict = Verdict.UNKNOWN
            why = (
                f"{cut_short(history)}; so far {count(len(losses), 'reconnect')}, at worst {worst}"
            )
        else:
            verdict = Verdict.PASS
            why = f"{count(len(losses), 'session')} lost, a new one after at most {worst}"
        finding = Finding(verdict, round(max(took) * history.scale, 3), bound, why, evidence)
        if verdict is Verdict.FAIL:
            return unless_delayed(history, finding, spans, self.within)
        return finding

    @property
    def aftermath(self) -> float:
        """As long as it may take."""
        return self.within

    def timers(self) -> Sequence[Timer]:
        """The bounds that the time scale must keep in order."""
        return (Timer("reconnect within", self.within, "answer"),)


@dataclass(frozen=True)
class _Loss:
    """A session that was lost.

    Attributes:
        opened: when it had been opened.
        lost: when the sender gave it up.
        reason: why, as the sender says.
        start: from when the sender had something to say and nobody who heard it.
        since: what `start` is, in words.
        again: when the next session was open, None if none ever was.
    """

    opened: float
    lost: float
    reason: str
    start: float
    since: str
    again: float | None


def _from_log(history: History, ledger: Ledger, at: str, within: float) -> list[_Loss] | None:
    """Losses as the sender itself reports them; None if it reports no sessions."""
    sessions = sessions_in_log(history, at)
    if sessions is None:
        return None
    losses = []
    for number, session in enumerate(sessions):
        opened, ended = session.interval.start, session.interval.end
        if session.lost:
            later = (s for s in sessions[number + 1 :] if s.connection == session.connection)
            again = min((each.interval.start for each in later), default=None)
            losses.append(_Loss(opened, ended, session.reason, ended, "", again))
    last = sessions[-1].interval
    if stuck := _stuck(history, ledger, at, within):
        losses.append(stuck)
    elif not last.ended and _black_hole(history, ledger, at, last.start):
        losses.append(_Loss(last.start, last.end, _NEVER_NOTICED, last.end, "", None))
    return losses


def _stuck(history: History, ledger: Ledger, at: str, within: float) -> _Loss | None:
    """What waits at an open session at the end, for longer than a reconnect may take.

    A sender that never notices reports no loss; without this it would pass for a quick one.
    """
    found = [e for e in stalls(history, ledger, at) or () if not e.over and e.length > within]
    if not found:
        return None
    since = "the first that was not acknowledged"
    start = min(each.start for each in found)
    return _Loss(start, history.duration, _NEVER_NOTICED, start, since, None)


def _black_hole(history: History, ledger: Ledger, at: str, opened: float) -> bool:
    """True if a middlebox forgot the session's flow, and of what was sent since nothing came back.

    It need not wait for long: the message that shows it may be the last thing that was sent.
    """
    forgotten = max((t for t in _forgotten(flows(history), at) if t >= opened), default=None)
    if forgotten is None or not ledger.acked:
        return False
    since = [n for n, (t, host) in ledger.sent.items() if host == at and t >= forgotten]
    return bool(since) and not any(number in ledger.acked for number in since)


def _forgotten(known: list[Flow], at: str) -> list[float]:
    """When middleboxes forgot flows that a host had opened."""
    return [
        entry.interval.end
        for flow in known
        if any(socket.host == at for socket in flow.client_sockets)
        for entry in flow.entries
        if entry.interval.ended and entry.cause != "closed"
    ]


def _from_sockets(history: History, ledger: Ledger, at: str, within: float) -> list[_Loss] | None:
    """Losses as the sender's sockets show them; None if it never had a connection."""
    sessions = sessions_in_sockets(history, at)
    if not sessions:
        return None
    losses = []
    for session in sessions:
        opened, ended = session.interval.start, session.interval.end
        if session.lost:
            starts = (each.interval.start for each in sessions)
            again = min((t for t in starts if t > opened), default=None)
            losses.append(_Loss(opened, ended, "", ended, "", again))
    if stuck := _stuck(history, ledger, at, within):
        losses.append(stuck)
    return losses


def _dated(history: History, ledger: Ledger, known: list[Flow], at: str, loss: _Loss) -> _Loss:
    """The loss with the moment from which it is measured.

    That is the first message sent after a middlebox forgot the flow, or after a fault began;
    where neither is known, the first message that this session never got acknowledged; and where
    nothing was said into the dead flow at all, the moment at which the sender noticed.
    """
    if loss.since:
        return loss
    during = (loss.opened, loss.lost)
    forgotten = _forgotten(known, at)
    faults = [record["t"] for record in history.of(FaultRecord, state="begin")]
    sent = sorted(t for t, host in ledger.sent.values() if host == at)
    for times, words in ((forgotten, "the flow was forgotten"), (faults, "the fault began")):
        broken = max((t for t in times if during[0] <= t <= during[1]), default=None)
        if broken is not None:
            spoke = next((t for t in sent if broken <= t <= loss.lost), None)
            if spoke is not None:
                since = f"the first message after {words}"
                return _Loss(loss.opened, loss.lost, loss.reason, spoke, since, loss.again)
    unheard = [
        max(t, loss.opened)
        for number, (t, host) in ledger.sent.items()
        if host == at and t <= loss.lost and ledger.acked.get(number, loss.lost) >= loss.lost
    ]
    if ledger.acked and unheard:
        since = "the first message that was not acknowledged"
        return _Loss(loss.opened, loss.lost, loss.reason, min(unheard), since, loss.again)
    since = "the sender noticed"
    return _Loss(loss.opened, loss.lost, loss.reason, loss.lost, since, loss.again)


def _evidence(history: History, loss: _Loss) -> Evidence:
    if loss.reason == _NEVER_NOTICED:
        waited = say(history, loss.lost - loss.start)
        text = f"session still open at the end, {waited} after {loss.since}: {loss.reason}"
        return Evidence(loss.start, text)
    reason = f" ({loss.reason})" if loss.reason else ""
    text = f"session given up at {moment(history, loss.lost)}{reason}, "
    if loss.again is None:
        text += f"none since, {say(history, history.duration - loss.start)} after {loss.since}"
    else:
        text += f"the next open {say(history, loss.again - loss.start)} after {loss.since}"
    return Evidence(loss.lost, text)
