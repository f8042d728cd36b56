"""Stalls: open sessions on which messages wait, and nothing is acknowledged.

A program that has learned that messages were acknowledged (a ledger with `acked`) is judged by its
messages; any other by its sockets, of which the kernel knows what the peer has not acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from halfopen.checkers._ledger import Ledger
from halfopen.checkers._sessions import Session, sessions_in_log, sessions_in_sockets
from halfopen.model.flows import Flow, SocketLifetime, flows
from halfopen.model.history import History
from halfopen.model.observations import Interval
from halfopen.model.records import AckedRecord, ProcessRecord, SocketsRecord


@dataclass(frozen=True)
class Stall:
    """A stretch of an open session without an acknowledgement for what waits.

    Attributes:
        start: since when, and for how long.
        end: when something was acknowledged, or the session ended, or the history.
        over: False if it lasts until the history ends.
        what: what waited: the number of a message, or an amount in words.
        flow: the connection, if that is known.
    """

    start: float
    end: float
    over: bool
    what: int | str
    flow: str | None = None

    @property
    def length(self) -> float:
        """Lab seconds."""
        return self.end - self.start


def stalls(history: History, ledger: Ledger, at: str) -> list[Stall] | None:
    """Every stall at a sender, in order of time; None if nothing can be known of any.

    Args:
        history: of the run.
        ledger: its messages.
        at: the sender.
    """
    if history.of(AckedRecord, host=at):
        sessions = sessions_in_log(history, at)
        if sessions is None:
            sessions = sessions_in_sockets(history, at)
        if sessions is None:
            return None
        return sorted(_of_messages(history, ledger, at, sessions), key=lambda each: each.start)
    if not history.of(SocketsRecord, host=at):
        return None
    found = [
        stall
        for flow in flows(history)
        for socket in flow.client_sockets
        if socket.host == at
        for stall in _of_socket(history, flow, socket)
    ]
    return sorted(found, key=lambda each: each.start)


def _of_messages(
    history: History, ledger: Ledger, at: str, sessions: list[Session]
) -> Iterator[Stall]:
    """Stalls of single messages.

    A message waits from when it was sent, the session was open, and the last message before it was
    acknowledged, whichever came last: a backlog that is worked off is not stalled.  When its
    program ends, it waits no longer: whether it is lost then is for `delivery` to say.
    """
    opened = _merged([session.interval for session in sessions])
    exits = [r["t"] for r in history.of(ProcessRecord, host=at) if r["state"] == "exited"]
    latest = 0.0
    for number, (sent, host) in sorted(ledger.sent.items()):
        if host != at or number in ledger.refused:
            continue
        acked = ledger.acked.get(number)
        until = min((t for t in (acked, *exits) if t is not None and t >= sent), default=None)
        since, last = max(sent, latest), history.duration if until is None else until
        for interval in opened:
            start, end = max(since, interval.start), min(last, interval.end)
            if end > start:
                over = until is not None or interval.ended
                yield Stall(start, end, over, number)
        if acked is not None:
            latest = max(latest, acked)


def _merged(intervals: list[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for each in sorted(intervals, key=lambda interval: interval.start):
        if merged and each.start < merged[-1].end:
            last = merged.pop()
            longer = each if each.end > last.end else last
            merged.append(Interval(last.start, longer.end, longer.ended))
        else:
            merged.append(each)
    return merged


def _of_socket(history: History, flow: Flow, socket: SocketLifetime) -> Iterator[Stall]:
    """Stretches in which bytes that were written were not acknowledged, and nothing was heard.

    From sample to sample, so none is taken for longer than it was.  A peer without room answers the
    probes of its zero window (RFC 9293, 3.8.6.1): then what is heard is not progress.
    """
    since: float | None = None
    last, waiting = 0.0, ""
    for t, seen in socket.samples:
        last = max(last, t - history.sample_s)  # it was unchanged in the sample before this one
        if not seen.connected or not (seen.wqueue or seen.unacked):
            if since is not None:
                yield Stall(since, last, True, waiting, flow.name)
            since = None
            continue
        since = t if since is None else since
        if seen.timer != "persist" and seen.last_heard_s is not None:
            heard = t - seen.last_heard_s
            if heard > since:
                yield Stall(since, min(heard, last), True, waiting, flow.name)
                since = heard
        last, waiting = t, f"{seen.wqueue} bytes" if seen.wqueue else f"{seen.unacked} segments"
    if since is not None:
        over = socket.interval.ended
        yield Stall(since, socket.last_seen if over else history.duration, over, waiting, flow.name)
