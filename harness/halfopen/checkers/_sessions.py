"""Sessions of a sender: from its own log, or from its sockets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from halfopen.checkers._words import event_name
from halfopen.model.flows import flows
from halfopen.model.history import History
from halfopen.model.observations import Interval
from halfopen.model.records import LogRecord, ProcessRecord, SocketsRecord

_TELLING = ("session-open", "session-lost", "session-closed")


@dataclass(frozen=True)
class Session:
    """A session that was open for a while.

    Attributes:
        interval: when it was open.
        lost: True if it ended, and not by the sender's own decision.
        reason: why it was lost, as the sender says; empty if it says nothing.
        connection: which of several connections it is a session of; None if there is but one.
    """

    interval: Interval
    lost: bool
    reason: str = ""
    connection: object = None


def sessions_in_log(history: History, at: str) -> list[Session] | None:
    """Sessions as the sender itself reports them; None if it reports none.

    An attempt that failed before the session was open is not a session.  A program with several
    connections numbers them in its log; the sessions of each are in order.
    """
    told: dict[object, list[tuple[float, str, str]]] = {}
    for record in history.of(LogRecord, host=at):
        name, reason = event_name(record), str(record["event"].get("reason", ""))
        if name in _TELLING:
            told.setdefault(record["event"].get("connection"), []).append(
                (record["t"], name, reason)
            )
    if not any(name == "session-open" for events in told.values() for _, name, _ in events):
        return None
    exits = [
        (r["t"], "session-closed", "")
        for r in history.of(ProcessRecord, host=at)
        if r["state"] == "exited"
    ]
    found = [
        session
        for connection, events in told.items()
        for session in _in_order(
            history, connection, sorted([*events, *exits], key=lambda each: each[0])
        )
    ]
    return sorted(found, key=lambda each: each.interval.start)


def _in_order(
    history: History, connection: object, events: list[tuple[float, str, str]]
) -> Iterator[Session]:
    """The sessions of one connection."""
    opened: float | None = None
    for t, name, reason in events:
        if name == "session-open":
            if opened is not None:
                yield Session(Interval(opened, t), False, "", connection)
            opened = t
        elif opened is not None:
            lost = name == "session-lost"
            yield Session(Interval(opened, t), lost, reason if lost else "", connection)
            opened = None
    if opened is not None:
        last = Interval(opened, max(opened, history.duration), ended=False)
        yield Session(last, False, "", connection)


def sessions_in_sockets(history: History, at: str) -> list[Session] | None:
    """Connections that the host opened, as samples show them; None if there are no samples.

    Without a log nobody knows which of them the sender gave up: each that ended counts as lost.
    """
    if not history.of(SocketsRecord, host=at):
        return None
    found = [
        Session(interval, lost=interval.ended)
        for flow in flows(history)
        for socket in flow.client_sockets
        if socket.host == at
        for interval in socket.established
    ]
    return sorted(found, key=lambda each: each.interval.start)
