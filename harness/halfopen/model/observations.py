"""What was seen of flows in one place: sockets on a host, entries in a middlebox.

Times are seconds of lab time since the run began.

A socket is *alive* while some program can still read or write through it.  A socket whose program
has closed it, and that only waits for the answer to its FIN, is not: on a silent path it can wait
for minutes, but nobody will ever hear what the other side says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from weakref import WeakKeyDictionary

from halfopen.model.differences import LatestSample, entry_key
from halfopen.model.history import History
from halfopen.model.records import ConntrackRecord, FlowEntry, FlowRecord, SocketsRecord
from halfopen.model.sockets import SocketSamples, TcpSocket

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


@dataclass(frozen=True, eq=False)
class SocketLifetime:
    """One TCP socket from when it was first seen to when it was seen no more.

    Attributes:
        host: whose socket it is.
        local: `address:port`.
        peer: `address:port`.
        interval: when it existed in the kernel, in whatever state but TIME_WAIT and CLOSE.
        samples: (t, socket) in order whenever it had changed, one at least.
        last_seen: t of the last sample in which it existed, changed or not.
    """

    host: str
    local: str
    peer: str
    interval: Interval
    samples: SocketSamples
    last_seen: float

    def at(self, t: float) -> TcpSocket:
        """The socket as it was at `t` (as in the first sample, for a `t` before all of them)."""
        when, socket = self.samples[self.samples.at(t)]
        return socket.after(max(0.0, min(t, self.last_seen) - when))

    def last_heard(self, until: float | None = None) -> float | None:
        """When the peer was last heard, as known at `until` (default: in the last sample)."""
        last = len(self.samples) - 1 if until is None else self.samples.at(until)
        for number in range(last, -1, -1):
            when, socket = self.samples[number]
            if socket.last_heard_s is not None and (until is None or when <= until):
                return when - socket.last_heard_s
        return None

    @cached_property
    def established(self) -> list[Interval]:
        """When it was ESTABLISHED."""
        return self._while(lambda state, _: state == "ESTABLISHED")

    @cached_property
    def connected(self) -> list[Interval]:
        """When it had a peer, and some program could still read or write through it."""
        return self._while(
            lambda state, pid: _usable(state, pid) and canonical(state) not in _OPENING
        )

    @cached_property
    def alive(self) -> list[Interval]:
        """When some program could still read or write through it."""
        return self._while(_usable)

    def _while(self, holds: Callable[[str, int], bool]) -> list[Interval]:
        intervals: list[Interval] = []
        start: float | None = None
        for when, state, pid in self.samples.states:
            if holds(state, pid):
                if start is None:
                    start = when
            elif start is not None:
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
    return _usable(socket.state, socket.pid)


def _usable(state: str, pid: int) -> bool:
    state = canonical(state)
    return state in _ALIVE or (state in _ENDING and pid != 0)


def state_of(socket: TcpSocket) -> str:
    """Its state in one spelling, whoever sampled it."""
    return canonical(socket.state)


@cache
def canonical(state: str) -> str:
    """A state in one spelling, whoever sampled it."""
    name = state.upper().replace("-", "_")
    return {"ESTAB": "ESTABLISHED", "FIN_WAIT_1": "FIN_WAIT1", "FIN_WAIT_2": "FIN_WAIT2"}.get(
        name, name
    )


@lru_cache(maxsize=1 << 16)
def is_local(local: str, peer: str) -> bool:
    """True for a connection of a host with itself, which no middlebox ever sees."""
    mine, theirs = address_of(local), address_of(peer)
    return mine == theirs or theirs.startswith("127.") or theirs == "::1"


@dataclass(frozen=True)
class SocketsSeen:
    """What the samples of all hosts' sockets show.

    Attributes:
        lifetimes: every socket that was seen, except those of a host with itself, in the order of
            time.
        first: t of the first sample of each host.
        listening: (host, port) of whatever listened.
        owners: address -> host, as they were seen.
    """

    lifetimes: list[SocketLifetime]
    first: dict[str, float]
    listening: set[tuple[str, str]]
    owners: dict[str, str]


def sockets_seen(history: History) -> SocketsSeen:
    """What the samples of all hosts' sockets show; gone through once for each history."""
    known = _SEEN.get(history)
    if known is None:
        known = _SEEN[history] = _look(history)
    return known


_SEEN: WeakKeyDictionary[History, SocketsSeen] = WeakKeyDictionary()


def _look(history: History) -> SocketsSeen:
    found = SocketsSeen([], {}, set(), {})
    here: dict[str, dict[tuple[str, str], SocketSamples]] = {}
    last: dict[str, float] = {}

    def finish(host: str, key: tuple[str, str], end: float, ended: bool) -> None:
        samples = here[host].pop(key, None)
        if samples is not None:
            interval = Interval(samples.first, end, ended)
            found.lifetimes.append(SocketLifetime(host, *key, interval, samples, last[host]))

    for record in history.of(SocketsRecord):
        host, t = record["host"], record["t"]
        found.first.setdefault(host, t)
        mine = here.setdefault(host, {})
        gone = [(local, peer) for local, peer in record.get("gone", ())]
        seen = set()
        for socket in record["sockets"]:
            local, peer = socket["local"], socket["peer"]
            if not peer or socket["state"] == "LISTEN":
                found.listening.add((host, local.rpartition(":")[2]))
            if not peer or is_local(local, peer):
                continue
            found.owners.setdefault(address_of(local), host)
            key = (local, peer)
            state = canonical(socket["state"])
            if state in _ALIVE or state in _ENDING:
                seen.add(key)
                if (samples := mine.get(key)) is None:
                    samples = mine[key] = SocketSamples(local, peer)
                samples.add(t, socket)
            else:
                gone.append(key)
        if "gone" not in record:
            gone = [key for key in mine if key not in seen]
        for key in sorted(gone):
            finish(host, key, t, True)
        last[host] = t
    for host in list(here):
        for key in list(here[host]):
            finish(host, key, history.duration, False)
    found.lifetimes.sort(key=lambda each: (each.interval.start, each.host, each.local, each.peer))
    return found


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
    tables: dict[str, LatestSample[FlowEntry]] = {}
    for record in history.of(ConntrackRecord):
        host, t = record["host"], record["t"]
        table = tables.setdefault(host, LatestSample(entry_key))
        created = []
        for entry in record["entries"]:
            key = entry_key(entry)
            if key not in table.items:
                created.append(key)
            seen = states.setdefault((host, *key), [])
            state = str(entry.get("state", ""))
            if not seen or seen[-1][1] != state:
                seen.append((t, state))
        mine = changes.setdefault(host, [])
        destroyed = table.take(record["entries"], record.get("gone"))
        mine += [(t, "destroyed", key, None) for key in sorted(destroyed)]
        mine += [(t, "created", key, None) for key in sorted(created)]
    return changes


def _last_state(
    states: dict[tuple[str, str, str], list[tuple[float, str]]],
    host: str,
    key: tuple[str, str],
    t: float,
) -> str:
    seen = [state for when, state in states.get((host, *key), ()) if when <= t]
    return seen[-1] if seen else ""
