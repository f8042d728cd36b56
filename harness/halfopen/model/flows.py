"""One ledger of flows: client socket, middlebox entry and server socket, joined by address.

Every layer that asks who still believes in a connection asks here: the checkers and the reports
draw on the same join.  What was seen in each of the places is in
:mod:`halfopen.model.observations`.  Times are seconds of lab time since the run began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from weakref import WeakKeyDictionary

from halfopen.model.history import History
from halfopen.model.observations import Entry as Entry
from halfopen.model.observations import Interval as Interval
from halfopen.model.observations import SocketLifetime as SocketLifetime
from halfopen.model.observations import canonical, entries, sockets_seen, state_of
from halfopen.model.records import ConntrackRecord, FlowRecord

# Two hosts are sampled one after the other: a difference that lasts fewer samples than this may be
# no more than the time between the two.
SKEW_SAMPLES = 2


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
    client_sockets: tuple[SocketLifetime, ...] = ()
    server_sockets: tuple[SocketLifetime, ...] = ()
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

    def _stretches(self) -> Iterator[Interval]:
        for lifetime in (*self.client_sockets, *self.server_sockets):
            yield lifetime.interval
        for entry in self.entries:
            yield entry.interval


@dataclass(frozen=True)
class HalfOpenInterval:
    """A socket that a program could still use while the other side had no live socket.

    Attributes:
        flow: what it belongs to.
        socket: the one that was left: ESTABLISHED, half-closed (FIN_WAIT1, FIN_WAIT2, CLOSING,
            LAST_ACK) and still held by a program, or CLOSE_WAIT.
        interval: for how long.
    """

    flow: Flow
    socket: SocketLifetime
    interval: Interval

    @property
    def first_state(self) -> str:
        """The socket's state when the other side was first seen to be gone."""
        return state_of(self.socket.at(self.interval.start))

    @property
    def last_state(self) -> str:
        """The socket's state when it was last seen."""
        return state_of(self.socket.at(self.interval.end))


def subtract(whole: Iterable[Interval], without: Iterable[Interval]) -> list[Interval]:
    """The parts of `whole` that are in none of `without`."""
    rest = list(whole)
    for hole in without:
        parts = []
        for interval in rest:
            if (hole.end <= interval.start and hole.ended) or hole.start >= interval.end:
                parts.append(interval)
                continue
            if hole.start > interval.start:
                parts.append(Interval(interval.start, hole.start))
            if hole.ended and hole.end < interval.end:
                parts.append(Interval(hole.end, interval.end, interval.ended))
        rest = parts
    return rest


def flows(history: History) -> list[Flow]:
    """Every flow of the run between two hosts, in the order in which they began."""
    known = _JOINED.get(history)
    if known is None:
        known = _JOINED[history] = _join(history, sockets_seen(history).lifetimes, entries(history))
    return list(known)


# Every checker asks, and the reports; a join of ten thousand flows takes seconds.
_JOINED: WeakKeyDictionary[History, list[Flow]] = WeakKeyDictionary()


def half_open(
    history: History, known: Sequence[Flow], *, certain: bool = True
) -> list[HalfOpenInterval]:
    """Every half-open interval, in order of time.

    Args:
        history: what was sampled.
        known: its flows.
        certain: leave out what is no longer than two samples can be apart: it may be none.

    A moment at which the other side's host had not been sampled yet says nothing: it is left out.
    """
    first = sockets_seen(history).first
    least = SKEW_SAMPLES * history.sample_s if certain else 0.0
    found = []
    for flow in known:
        sides = (
            (flow.client_sockets, flow.server_sockets),
            (flow.server_sockets, flow.client_sockets),
        )
        for mine, theirs in sides:
            gone = [interval for lifetime in theirs for interval in lifetime.alive]
            for lifetime in mine:
                others = [t for host, t in first.items() if host != lifetime.host]
                unseen = [Interval(0.0, min(others))] if others else []
                found += [
                    HalfOpenInterval(flow, lifetime, interval)
                    for interval in subtract(lifetime.connected, [*gone, *unseen])
                    if interval.length > least
                ]
    return sorted(found, key=lambda each: (each.interval.start, each.flow.name))


def sampled_hosts(history: History) -> set[str]:
    """The hosts whose sockets were sampled at least once."""
    return set(sockets_seen(history).first)


def hosts_by_address(history: History) -> dict[str, str]:
    """Which host owns which address: as the lab gave them, else as they were seen."""
    given = history.header.get("addresses", {})
    owners = {str(address): str(host) for host, address in given.items()}
    for address, host in sockets_seen(history).owners.items():
        owners.setdefault(address, host)
    return owners


def _join(
    history: History,
    sockets: Sequence[SocketLifetime],
    memories: dict[tuple[str, str], list[Entry]],
) -> list[Flow]:
    """Bring the sides of each flow together by their addresses.

    A middlebox that translates addresses has one pair on each of its links, and records both: a
    flow is named as its client sees it.
    """
    as_client = _untranslated(history)
    remembered: dict[tuple[str, str], list[Entry]] = {}
    for pair, known in memories.items():
        remembered.setdefault(as_client(pair), []).extend(known)
    listening = sockets_seen(history).listening
    sides: dict[tuple[str, str], tuple[list[SocketLifetime], list[SocketLifetime]]] = {
        key: ([], []) for key in remembered
    }
    for lifetime in sockets:
        forward = as_client((lifetime.local, lifetime.peer))
        backward = as_client((lifetime.peer, lifetime.local))
        if forward not in sides and backward not in sides:
            key = forward if _opened_it(lifetime, listening) else backward
            sides[key] = ([], [])
        is_client = forward in sides
        sides[forward if is_client else backward][0 if is_client else 1].append(lifetime)
    joined = [
        Flow(client, server, tuple(clients), tuple(servers), tuple(remembered.get(key, ())))
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
    samples = (entry for record in history.of(ConntrackRecord) for entry in record["entries"])
    for named in chain(history.of(FlowRecord), samples):
        if outside := named.get("outside"):
            inside[outside[0], outside[1]] = (named["client"], named["server"])

    def as_client(pair: tuple[str, str]) -> tuple[str, str]:
        seen = {pair}
        while (before := inside.get(pair)) is not None and before not in seen:
            pair = before
            seen.add(pair)
        return pair

    return as_client


def _opened_it(lifetime: SocketLifetime, listening: set[tuple[str, str]]) -> bool:
    """True for the client's side; by who listens, else by who sent SYN, else by the port."""
    port, peer_port = lifetime.local.rpartition(":")[2], lifetime.peer.rpartition(":")[2]
    if (lifetime.host, port) in listening:
        return False
    if any(p == peer_port for _, p in listening):
        return True
    if any(canonical(state) == "SYN_SENT" for _, state, _ in lifetime.samples.states):
        return True
    return int(port) > int(peer_port)
