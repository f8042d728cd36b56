"""One ledger of flows: client socket, middlebox entry and server socket, joined by address.

Every layer that asks who still believes in a connection asks here: the checkers and the reports
draw on the same join.  Times are seconds of lab time since the run began.

A socket is *alive* while some program can still read or write through it.  A socket whose program
has closed it, and that only waits for the answer to its FIN, is not: on a silent path it can wait
for minutes, but nobody will ever hear what the other side says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from weakref import WeakKeyDictionary

from halfopen.model.history import History, TcpSocket, socket_from_json

_ALIVE = frozenset({"ESTABLISHED", "SYN_SENT", "SYN_RECV", "NEW_SYN_RECV", "CLOSE_WAIT"})
_ENDING = frozenset({"FIN_WAIT1", "FIN_WAIT2", "LAST_ACK", "CLOSING"})

# Two hosts are sampled one after the other: a difference that lasts fewer samples than this may be
# no more than the time between the two.
SKEW_SAMPLES = 2


@dataclass(frozen=True)
class Stretch:
    """A stretch of time.

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
class Presence:
    """One TCP socket from when it was first seen to when it was seen no more.

    Attributes:
        host: whose socket it is.
        local: `address:port`.
        peer: `address:port`.
        stretch: when it existed in the kernel, in whatever state but TIME_WAIT and CLOSE.
        samples: (t, socket) in order, one at least.
    """

    host: str
    local: str
    peer: str
    stretch: Stretch
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
    def established(self) -> list[Stretch]:
        """When it was ESTABLISHED."""
        return self._while(lambda socket: socket.connected)

    @property
    def alive(self) -> list[Stretch]:
        """When some program could still read or write through it."""
        return self._while(_is_alive)

    def _while(self, holds: Callable[[TcpSocket], bool]) -> list[Stretch]:
        stretches: list[Stretch] = []
        start: float | None = None
        for when, socket in self.samples:
            if holds(socket) and start is None:
                start = when
            elif not holds(socket) and start is not None:
                stretches.append(Stretch(start, when))
                start = None
        if start is not None:
            stretches.append(Stretch(start, self.stretch.end, self.stretch.ended))
        return stretches


@dataclass(frozen=True)
class Entry:
    """A middlebox's memory of a flow.

    Attributes:
        host: the middlebox.
        stretch: from creation to removal.
        cause: why it was removed (expired, forgotten, closed), None if it was not or nobody knows.
        state: the state it was last seen in, empty if it never was.
    """

    host: str
    stretch: Stretch
    cause: str | None = None
    state: str = ""


@dataclass(frozen=True)
class Flow:
    """One TCP connection as each of the three places knows it.

    Attributes:
        client: `address:port` of the side that opened it.
        server: `address:port` of the other side.
        client_sockets: usually one; another if the port was used again.
        server_sockets: as above.
        entries: in every middlebox on the way.
    """

    client: str
    server: str
    client_sockets: tuple[Presence, ...] = ()
    server_sockets: tuple[Presence, ...] = ()
    entries: tuple[Entry, ...] = ()

    @property
    def name(self) -> str:
        """As evidence and reports name it."""
        return f"{self.client} > {self.server}"

    @property
    def start(self) -> float:
        """When anybody first knew of it."""
        return min(s.start for s in self._stretches())

    @property
    def end(self) -> float:
        """When the last one forgot it, or the end of the history."""
        return max(s.end for s in self._stretches())

    def _stretches(self) -> Iterator[Stretch]:
        for presence in (*self.client_sockets, *self.server_sockets):
            yield presence.stretch
        for entry in self.entries:
            yield entry.stretch


@dataclass(frozen=True)
class HalfOpen:
    """A socket that was ESTABLISHED while the other side had no live socket.

    Attributes:
        flow: what it belongs to.
        socket: the one that still believed.
        stretch: for how long.
    """

    flow: Flow
    socket: Presence
    stretch: Stretch


def subtract(whole: Iterable[Stretch], without: Iterable[Stretch]) -> list[Stretch]:
    """The parts of `whole` that are in none of `without`."""
    rest = list(whole)
    for hole in without:
        parts = []
        for stretch in rest:
            if (hole.end <= stretch.start and hole.ended) or hole.start >= stretch.end:
                parts.append(stretch)
                continue
            if hole.start > stretch.start:
                parts.append(Stretch(stretch.start, hole.start))
            if hole.ended and hole.end < stretch.end:
                parts.append(Stretch(hole.end, stretch.end, stretch.ended))
        rest = parts
    return rest


def flows(history: History) -> list[Flow]:
    """Every flow of the run between two hosts, in the order in which they began."""
    known = _JOINED.get(history)
    if known is None:
        known = _JOINED[history] = _join(history, _presences(history), _entries(history))
    return list(known)


# Every checker asks, and the reports; a join of ten thousand flows takes seconds.
_JOINED: WeakKeyDictionary[History, list[Flow]] = WeakKeyDictionary()


def half_open(history: History, known: Sequence[Flow], *, certain: bool = True) -> list[HalfOpen]:
    """Every half-open stretch, in order of time.

    Args:
        history: what was sampled.
        known: its flows.
        certain: leave out what is no longer than two samples can be apart: it may be none.

    A moment at which the other side's host had not been sampled yet says nothing: it is left out.
    """
    first = {str(r["host"]): float(r["t"]) for r in reversed(history.of("sockets"))}
    least = SKEW_SAMPLES * history.sample_s if certain else 0.0
    found = []
    for flow in known:
        sides = (
            (flow.client_sockets, flow.server_sockets),
            (flow.server_sockets, flow.client_sockets),
        )
        for mine, theirs in sides:
            gone = [stretch for presence in theirs for stretch in presence.alive]
            for presence in mine:
                others = [t for host, t in first.items() if host != presence.host]
                unseen = [Stretch(0.0, min(others))] if others else []
                found += [
                    HalfOpen(flow, presence, stretch)
                    for stretch in subtract(presence.established, [*gone, *unseen])
                    if stretch.length > least
                ]
    return sorted(found, key=lambda each: (each.stretch.start, each.flow.name))


def sampled_hosts(history: History) -> set[str]:
    """The hosts whose sockets were sampled at least once."""
    return {str(record["host"]) for record in history.of("sockets")}


def address_of(endpoint: str) -> str:
    """The address in `address:port`, without the brackets of IPv6."""
    return endpoint.rpartition(":")[0].strip("[]")


def hosts_by_address(history: History) -> dict[str, str]:
    """Which host owns which address: as the lab gave them, else as they were seen."""
    given = history.header.get("addresses", {})
    owners = {str(address): str(host) for host, address in given.items()}
    for record in history.of("sockets"):
        for socket in record["sockets"]:
            if socket.get("peer") and not _local(socket["local"], socket["peer"]):
                owners.setdefault(address_of(socket["local"]), str(record["host"]))
    return owners


def _is_alive(socket: TcpSocket) -> bool:
    state = _state(socket)
    return state in _ALIVE or (state in _ENDING and socket.pid != 0)


def _state(socket: TcpSocket) -> str:
    return _canonical(socket.state)


@cache
def _canonical(state: str) -> str:
    name = state.upper().replace("-", "_")
    return {"ESTAB": "ESTABLISHED", "FIN_WAIT_1": "FIN_WAIT1", "FIN_WAIT_2": "FIN_WAIT2"}.get(
        name, name
    )


@lru_cache(maxsize=1 << 16)
def _local(local: str, peer: str) -> bool:
    """True for a connection of a host with itself, which no middlebox ever sees."""
    mine, theirs = address_of(local), address_of(peer)
    return mine == theirs or theirs.startswith("127.") or theirs == "::1"


def _presences(history: History) -> list[Presence]:
    done: list[Presence] = []
    here: dict[str, dict[tuple[str, str], list[tuple[float, TcpSocket]]]] = {}

    def finish(host: str, key: tuple[str, str], stretch_end: float, ended: bool) -> None:
        samples = tuple(here[host].pop(key))
        stretch = Stretch(samples[0][0], stretch_end, ended)
        done.append(Presence(host, *key, stretch, samples))

    for record in history.of("sockets"):
        host, t = str(record["host"]), float(record["t"])
        mine = here.setdefault(host, {})
        seen = set()
        for data in record["sockets"]:
            socket = socket_from_json(data)
            if not socket.peer or _local(socket.local, socket.peer):
                continue
            if _state(socket) in _ALIVE or _state(socket) in _ENDING:
                key = (socket.local, socket.peer)
                seen.add(key)
                mine.setdefault(key, []).append((t, socket))
        for key in sorted(set(mine) - seen):
            finish(host, key, t, True)
    for host in list(here):
        for key in list(here[host]):
            finish(host, key, history.duration, False)
    return sorted(done, key=lambda each: (each.stretch.start, each.host, each.local, each.peer))


def _entries(history: History) -> dict[tuple[str, str], list[Entry]]:
    """What the middleboxes knew; from `flow` records, else from samples of their tables."""
    found: dict[tuple[str, str], list[Entry]] = {}
    events: dict[str, list[tuple[float, str, tuple[str, str], str | None]]] = {}
    states: dict[tuple[str, str, str], list[tuple[float, str]]] = {}
    for record in history.of("flow"):
        change = (
            float(record["t"]),
            str(record["event"]),
            (str(record["client"]), str(record["server"])),
            record.get("cause"),
        )
        events.setdefault(str(record["host"]), []).append(change)
    for host, changes in _table_changes(history, states).items():
        events.setdefault(host, changes)
    for host, changes in events.items():
        began: dict[tuple[str, str], float] = {}
        for t, event, key, cause in changes:
            if event == "created":
                began.setdefault(key, t)
                continue
            first = states.get((host, *key), [(t, "")])[0][0]
            stretch = Stretch(began.pop(key, min(first, t)), t)
            found.setdefault(key, []).append(
                Entry(host, stretch, cause, _last_state(states, host, key, t))
            )
        for key, start in began.items():
            state = _last_state(states, host, key, history.duration)
            stretch = Stretch(start, history.duration, ended=False)
            found.setdefault(key, []).append(Entry(host, stretch, None, state))
    return found


def _table_changes(
    history: History, states: dict[tuple[str, str, str], list[tuple[float, str]]]
) -> dict[str, list[tuple[float, str, tuple[str, str], str | None]]]:
    """Creations and removals as samples of the tables show them; fills `states` on the way."""
    changes: dict[str, list[tuple[float, str, tuple[str, str], str | None]]] = {}
    known: dict[str, set[tuple[str, str]]] = {}
    for record in history.of("conntrack"):
        host, t = str(record["host"]), float(record["t"])
        now = set()
        for entry in record["entries"]:
            key = (str(entry["client"]), str(entry["server"]))
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


def _join(
    history: History,
    presences: Sequence[Presence],
    entries: dict[tuple[str, str], list[Entry]],
) -> list[Flow]:
    """Bring the sides of each flow together by their addresses.

    A middlebox that translates addresses has one pair on each of its links, and records both: a
    flow is named as its client sees it.
    """
    as_client = _untranslated(history)
    found: dict[tuple[str, str], list[Entry]] = {}
    for pair, known in entries.items():
        found.setdefault(as_client(pair), []).extend(known)
    entries = found
    listening = {
        (str(record["host"]), str(socket["local"]).rpartition(":")[2])
        for record in history.of("sockets")
        for socket in record["sockets"]
        if not socket.get("peer") or socket.get("state") == "LISTEN"
    }
    sides: dict[tuple[str, str], tuple[list[Presence], list[Presence]]] = {
        key: ([], []) for key in entries
    }
    for presence in presences:
        forward = as_client((presence.local, presence.peer))
        backward = as_client((presence.peer, presence.local))
        if forward not in sides and backward not in sides:
            key = forward if _opened_it(presence, listening) else backward
            sides[key] = ([], [])
        is_client = forward in sides
        sides[forward if is_client else backward][0 if is_client else 1].append(presence)
    joined = [
        Flow(client, server, tuple(clients), tuple(servers), tuple(entries.get(key, ())))
        for key, (clients, servers) in sides.items()
        for client, server in [key]
    ]
    return sorted(joined, key=lambda flow: (flow.start, flow.name))


def _untranslated(history: History) -> Callable[[tuple[str, str]], tuple[str, str]]:
    """Gives the addresses of a flow as its client sees them for those on any link.

    An address that a middlebox gave to one flow after another is held to be the last one's.
    """
    inside: dict[tuple[str, str], tuple[str, str]] = {}
    # A flow that gets other addresses meanwhile has them in the samples only.
    samples = [entry for record in history.of("conntrack") for entry in record["entries"]]
    for named in (*history.of("flow"), *samples):
        if outside := named.get("outside"):
            inside[outside[0], outside[1]] = (str(named["client"]), str(named["server"]))

    def as_client(pair: tuple[str, str]) -> tuple[str, str]:
        seen = {pair}
        while (before := inside.get(pair)) is not None and before not in seen:
            pair = before
            seen.add(pair)
        return pair

    return as_client


def _opened_it(presence: Presence, listening: set[tuple[str, str]]) -> bool:
    """True for the client's side; by who listens, else by who sent SYN, else by the port."""
    port, peer_port = presence.local.rpartition(":")[2], presence.peer.rpartition(":")[2]
    if (presence.host, port) in listening:
        return False
    if any(p == peer_port for _, p in listening):
        return True
    if any(_state(socket) == "SYN_SENT" for _, socket in presence.samples):
        return True
    return int(port) > int(peer_port)
