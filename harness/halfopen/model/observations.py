"""What was seen of flows in one place: sockets on a host, entries in a middlebox.

Times are seconds of lab time since the run began.

A socket is *alive* while some program can still read or write through it.  A socket whose program
has closed it, and that only waits for the answer to its FIN, is not: on a silent path it can wait
for minutes, but nobody will ever hear what the other side says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from halfopen.model.history import History, TcpSocket, socket_from_json
from halfopen.model.records import ConntrackRecord, FlowRecord, SocketsRecord

_OPENING = frozenset({"SYN_SENT", "SYN_RECV", "NEW_SYN_RECV"})
_ALIVE = frozenset({"ESTABLISHED", "CLOSE_WAIT"} | _OPENING)
_ENDING = frozenset({"FIN_WAIT1", "FIN_WAIT2", "LAST_ACK", "CLOSING"})


@dataclass(frozen=True)
class Interval:
    """A interval of time.

    Attributes:
        start: first known moment.
        end: first moment after it, or the end of the history.
        ended: False if it lasted beyond the end of the history.
    """

    start: float
    end: float
    ended: bool = True

    @property
    def length(self) -> float:
        """Seconds from start to end."""
        return self.end - self.start


@dataclass(frozen=True)
class SocketLifetime:
    """One TCP socket from when it was first seen to when it was seen no more.

    Attributes:
        host: whose socket it is.
        local: `address:port`.
        peer: `address:port`.
        interval: when it existed in the kernel, in whatever state but TIME_WAIT and CLOSE.
        samples: (t, socket) in order, one at least.
    """

    host: str
    local: str
    peer: str
    interval: Interval
    samples: tuple[tuple[float, TcpSocket], ...]

    def at(self, t: float) -> TcpSocket:
        """The socket as last seen at `t` (the first sample, for a `t` before all of them)."""
        found = self.samples[0][1]
        for when, socket in self.samples:
            if when > t:
                break
            found = socket
        return found

    def last_heard(self, until: float | None = None) -> float | None:
        """When the peer was last heard, as known at `until` (default: in the last sample)."""
        for when, socket in reversed(self.samples):
            if socket.last_heard_s is not None and (until is None or when <= until):
                return when - socket.last_heard_s
        return None

    @property
    def established(self) -> list[Interval]:
        """When it was ESTABLISHED."""
        return self._while(lambda socket: socket.connected)

    @property
    def connected(self) -> list[Interval]:
        """When it had a peer, and some program could still read or write through it."""
        return self._while(lambda socket: is_alive(socket) and state_of(socket) not in _OPENING)

    @property
    def alive(self) -> list[Interval]:
        """When some program could still read or write through it."""
        return self._while(is_alive)

    def _while(self, holds: Callable[[TcpSocket], bool]) -> list[Interval]:
        intervals: list[Interval] = []
        start: float | None = None
        for when, socket in self.samples:
            if holds(socket) and start is None:
                start = when
            elif not holds(socket) and start is not None:
                intervals.append(Interval(start, when))
                start = None
        if start is not None:
            intervals.append(Interval(start, self.interval.end, self.interval.ended))
        return intervals


@dataclass(frozen=True)
class Entry:
    """A middlebox's memory of a flow.

    Attributes:
        host: the middlebox.
        interval: from creation to removal.
        cause: why it was removed (expired, forgotten, closed), None if it was not or nobody knows.
        state: the state it was last seen in, empty if it never was.
    """

    host: str
    interval: Interval
    cause: str | None = None
    state: str = ""


def address_of(endpoint: str) -> str:
    """The address in `address:port`, without the brackets of IPv6."""
    return endpoint.rpartition(":")[0].strip("[]")


def is_alive(socket: TcpSocket) -> bool:
    """True if some program can still read or write through it."""
    state = state_of(socket)
    return state in _ALIVE or (state in _ENDING and socket.pid != 0)


def state_of(socket: TcpSocket) -> str:
    """Its state in one spelling, whoever sampled it."""
    return _canonical(socket.state)


@cache
def _canonical(state: str) -> str:
    name = state.upper().replace("-", "_")
    return {"ESTAB": "ESTABLISHED", "FIN_WAIT_1": "FIN_WAIT1", "FIN_WAIT_2": "FIN_WAIT2"}.get(
        name, name
    )


@lru_cache(maxsize=1 << 16)
def is_local(local: str, peer: str) -> bool:
    """True for a connection of a host with itself, which no middlebox ever sees."""
    mine, theirs = address_of(local), address_of(peer)
    return mine == theirs or theirs.startswith("127.") or theirs == "::1"


def socket_lifetimes(history: History) -> list[SocketLifetime]:
    """Every socket that was seen, except those of a host with itself, in the order of time."""
    done: list[SocketLifetime] = []
    here: dict[str, dict[tuple[str, str], list[tuple[float, TcpSocket]]]] = {}

    def finish(host: str, key: tuple[str, str], interval_end: float, ended: bool) -> None:
        samples = tuple(here[host].pop(key))
        interval = Interval(samples[0][0], interval_end, ended)
        done.append(SocketLifetime(host, *key, interval, samples))

    for record in history.of(SocketsRecord):
        host, t = record["host"], record["t"]
        mine = here.setdefault(host, {})
        seen = set()
        for data in record["sockets"]:
            socket = socket_from_json(data)
            if not socket.peer or is_local(socket.local, socket.peer):
                continue
            if state_of(socket) in _ALIVE or state_of(socket) in _ENDING:
                key = (socket.local, socket.peer)
                seen.add(key)
                mine.setdefault(key, []).append((t, socket))
        for key in sorted(set(mine) - seen):
            finish(host, key, t, True)
    for host in list(here):
        for key in list(here[host]):
            finish(host, key, history.duration, False)
    return sorted(done, key=lambda each: (each.interval.start, each.host, each.local, each.peer))


def entries(history: History) -> dict[tuple[str, str], list[Entry]]:
    """What the middleboxes knew; from `flow` records, else from samples of their tables."""
    found: dict[tuple[str, str], list[Entry]] = {}
    events: dict[str, list[tuple[float, str, tuple[str, str], str | None]]] = {}
    states: dict[tuple[str, str, str], list[tuple[float, str]]] = {}
    for record in history.of(FlowRecord):
        change = (
            record["t"],
            record["event"],
            (record["client"], record["server"]),
            record.get("cause"),
        )
        events.setdefault(record["host"], []).append(change)
    for host, changes in _table_changes(history, states).items():
        events.setdefault(host, changes)
    for record in history.of(FlowRecord):  # newer than the last sample of the table
        if record["event"] == "destroyed" and (state := record.get("state")):
            key = (record["client"], record["server"])
            states.setdefault((record["host"], *key), []).append((record["t"], state))
    for seen in states.values():
        seen.sort(key=lambda each: each[0])
    for host, changes in events.items():
        began: dict[tuple[str, str], float] = {}
        for t, event, key, cause in changes:
            if event == "created":
                began.setdefault(key, t)
                continue
            first = states.get((host, *key), [(t, "")])[0][0]
            interval = Interval(began.pop(key, min(first, t)), t)
            found.setdefault(key, []).append(
                Entry(host, interval, cause, _last_state(states, host, key, t))
            )
        for key, start in began.items():
            state = _last_state(states, host, key, history.duration)
            interval = Interval(start, history.duration, ended=False)
            found.setdefault(key, []).append(Entry(host, interval, None, state))
    return found


def _table_changes(
    history: History, states: dict[tuple[str, str, str], list[tuple[float, str]]]
) -> dict[str, list[tuple[float, str, tuple[str, str], str | None]]]:
    """Creations and removals as samples of the tables show them; fills `states` on the way."""
    changes: dict[str, list[tuple[float, str, tuple[str, str], str | None]]] = {}
    known: dict[str, set[tuple[str, str]]] = {}
    for record in history.of(ConntrackRecord):
        host, t = record["host"], record["t"]
        now = set()
        for entry in record["entries"]:
            key = (entry["client"], entry["server"])
            now.add(key)
            states.setdefault((host, *key), []).append((t, str(entry.get("state", ""))))
        before = known.setdefault(host, set())
        mine = changes.setdefault(host, [])
        mine += [(t, "destroyed", key, None) for key in sorted(before - now)]
        mine += [(t, "created", key, None) for key in sorted(now - before)]
        known[host] = now
    return changes


def _last_state(
    states: dict[tuple[str, str, str], list[tuple[float, str]]],
    host: str,
    key: tuple[str, str],
    t: float,
) -> str:
    seen = [state for when, state in states.get((host, *key), ()) if when <= t]
    return seen[-1] if seen else ""
