"""Watches one host from a thread that lives in the host's network namespace.

Nothing of this runs in the subject: sockets come from sock_diag, flows from conntrack, file
descriptors from /proc.  What did not change is recorded once a second only; on a host with
thousands of sockets less often, see :mod:`halfopen.labs.agent.pacing`.  In virtual time, looks
follow what happens, see :mod:`halfopen.labs.agent.rhythm`.
"""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping

from halfopen.labs.agent.connections import UnsampledConnections
from halfopen.labs.agent.pacing import BUSY_SHARE, IDLE_SHARE, Pace, tcp_signature
from halfopen.labs.agent.rhythm import STEADY, Rest, Rhythm
from halfopen.model.differences import EntryDifferences, SocketDifferences
from halfopen.model.records import (
    DropsRecord,
    FlowRecord,
    KeepalivesRecord,
    Record,
    Recorder,
)
from halfopen.model.sampling import SAMPLE_S
from halfopen.probes import namespaces, netlink
from halfopen.probes.conntrack import ClientServer, ConntrackTable
from halfopen.probes.counters import CounterProbe
from halfopen.probes.ended import EndedSockets
from halfopen.probes.fds import FdProbe
from halfopen.probes.keepalives import probes_sent
from halfopen.probes.sockets import SeenSocket, SocketProbe, socket_ends

# Of a look that was put off, so that the record says how far back it may lie what it shows.
_PUT_OFF_S = 2 * SAMPLE_S


class Observer(threading.Thread):
    """Samples a host until it is told to stop.

    Args:
        host: name of the host, and of its namespace.
        middlebox: True: watch conntrack and drops; False: watch sockets and file descriptors.
        programs: name -> pid of the programs that run on the host now.
        emit: takes the records; called from this thread.
        failed: takes the reason if the observer cannot go on; called from this thread.
        shortest: of a middlebox, see :class:`halfopen.probes.conntrack.ConntrackTable`.
        late: takes the seconds by which a look began too late; called from this thread.
        rhythm: of the looks.
        stir: is told when something has happened here, so that others look, too.
    """

    def __init__(
        self,
        host: str,
        *,
        middlebox: bool,
        programs: Callable[[], Mapping[str, int]],
        emit: Recorder,
        failed: Callable[[str], None],
        shortest: float = 0.0,
        late: Callable[[float], None] = lambda _: None,
        rhythm: Rhythm = STEADY,
        stir: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(name=f"observer of {host}", daemon=True)
        self._host = host
        self._middlebox = middlebox
        self._programs = programs
        self._emit = emit
        self._failed = failed
        self._shortest = shortest
        self._late = late
        self._rhythm = rhythm
        self._tell_others = stir
        self._rest = Rest(rhythm, self._serve)
        self._events: list[netlink.Events] = []
        self._requests: queue.Queue[tuple[Callable[[], None], threading.Event]] = queue.Queue()
        self._watch: Callable[[], None] = lambda: None
        self._flows: ConntrackTable | None = None
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._asked = False
        self._last: dict[str, tuple[float, object]] = {}

    def run(self) -> None:
        """Thread body: enter the namespace for good, then sample at a steady pace."""
        try:
            namespaces.enter(self._host)
            self._watch = self._watch_middlebox() if self._middlebox else self._watch_endpoint()
            self._ready.set()
            due = time.monotonic()
            while not self._stopping.is_set():
                self._watch()
                events = [each.fileno() for each in self._events]
                due = self._rest.until_next(due, events, self._stopping.is_set, self._at_most())
                self._late(time.monotonic() - due)
            self._sample()
        except Exception as error:
            self._failed(f"the observer of {self._host} failed: {type(error).__name__}: {error}")

    def stir(self) -> None:
        """Something has happened in the sandbox: look soon; from any thread."""
        self._rest.stir()

    def wait_ready(self) -> None:
        """Wait until it listens: whatever happens on the host from then on, it hears of.

        Raises:
            TimeoutError: if it does not come so far.
        """
        if not self._ready.wait(timeout=10):
            raise TimeoutError(f"the observer of {self._host} did not start within 10 s")

    def stop(self) -> None:
        """Take a last sample, then end; waits for it."""
        self._stopping.set()
        self._rest.ask()
        self.join(timeout=5)

    def sample(self) -> None:
        """Record everything now, changed or not; waits for it."""
        self._ask(self._sample)

    def forget(
        self, clients: Collection[str] | None, every: int, most: int | None
    ) -> list[ClientServer]:
        """Remove entries of the flow table, see :meth:`ConntrackTable.forget`; waits for it."""
        gone: list[ClientServer] = []

        def act() -> None:
            assert self._flows is not None, f"{self._host} is not a middlebox"
            flows, news = self._flows.forget(clients, every, most)
            gone.extend(flows)
            self._emit_all(news)

        self._ask(act)
        return gone

    def expect(self, shortest: float) -> None:
        """The flow table's timers are others now, see :class:`ConntrackTable`; waits for it."""

        def act() -> None:
            assert self._flows is not None, f"{self._host} is not a middlebox"
            self._flows.shortest = shortest
            self._flows.look()

        self._ask(act)

    def _ask(self, action: Callable[[], None]) -> None:
        """Run `action` in this thread, which is the one inside the namespace."""
        done = threading.Event()
        self._requests.put((action, done))
        self._rest.ask()
        if not done.wait(timeout=10):
            raise TimeoutError(f"the observer of {self._host} did not answer within 10 s")

    def _sample(self) -> None:
        self._last.clear()
        self._asked = True
        try:
            self._watch()
        finally:
            self._asked = False

    def _serve(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                action, done = self._requests.get_nowait()
                action()
                done.set()

    def _at_most(self) -> float:
        """When it must look in any case: an entry's end is told of to those only who ask."""
        if self._flows is None or not self._rhythm.by_events:
            return math.inf
        return self._flows.due

    def _hear(self, events: netlink.Events) -> netlink.Events:
        if self._rhythm.by_events:
            self._events.append(events)
        return events

    def _watch_endpoint(self) -> Callable[[], None]:
        sockets, fds, pace = SocketProbe(), FdProbe(self._host), Pace()
        connections, ended = UnsampledConnections(self._host), _ended_sockets()
        if ended is not None:
            self._emit(connections.empty())
        differences = SocketDifferences(self._host)
        seen: list[SeenSocket] = []
        before: tuple[object, ...] = ()
        told: int | None = None
        changed_at: float | None = None
        states: set[tuple[str, str, str]] = set()
        looked_before = time.monotonic()
        ends = self._hear(socket_ends()) if self._rhythm.by_events else None

        def watch() -> None:
            nonlocal before, changed_at, looked_before, seen, states, told
            if ends is not None and list(ends.read()):
                self._tell_others()
            sent = probes_sent()
            if sent is not None and sent != told:
                told = sent
                self._emit(KeepalivesRecord(kind="keepalives", host=self._host, sent=sent))
            if ended is not None:
                connections.ended(ended.read())
                if missed := connections.record(lost=ended.take_lost()):
                    self._emit(missed)
            programs = dict(self._programs())
            now, signature = time.monotonic(), (*tcp_signature(), *sorted(programs.items()))
            if signature != before:
                before, changed_at = signature, changed_at or now
            share = IDLE_SHARE if changed_at is None else BUSY_SHARE
            if not self._asked and not self._rhythm.by_events and not pace.is_due(share):
                return
            looked = time.monotonic()
            with pace.look():
                inodes = fds.read(programs)
                # What the counters say has not changed is read again for the record only.
                fresh = self._asked or changed_at is not None or self._is_due("sockets")
                if fresh:
                    seen = sockets.read(fds.owners(inodes))
                    connections.sampled(seen)
                counts = fds.count(inodes, {s.inode: s.kind for s in seen})
            late = now - changed_at if changed_at is not None else 0.0
            changed_at = None
            if self._rhythm.by_events:
                # Nobody told of it: it may have changed at any time since the last look.
                found = {(s.record["local"], s.record["peer"], s.record["state"]) for s in seen}
                late = now - looked_before if found != states and not self._rest.told else 0.0
                states, looked_before = found, now
            # A record may have become due since: what was read before is of before.
            if fresh and self._is_news("sockets", [s.identity for s in seen]):
                took = time.monotonic() - looked
                record = differences.record((s.record for s in seen), looked + took, took)
                if late > _PUT_OFF_S:
                    record["late_s"] = round(late, 3)
                self._emit(record)
            for sample in counts:
                # The time that it had on a CPU is no change: it grows all the time.
                identity = (sample["pid"], sample["counts"], sample["limit"])
                self._record(sample, identity, key=f"fds {sample['process']} {sample['pid']}")

        return watch

    def _watch_middlebox(self) -> Callable[[], None]:
        counters, looks, tells = CounterProbe(), Pace(), Pace()
        table = self._flows = ConntrackTable(self._host, self._shortest)
        self._hear(table.events)
        differences = EntryDifferences(self._host)
        told = -1

        def watch() -> None:
            nonlocal told
            self._emit_all(table.news())
            pays = self._rhythm.by_events or looks.is_due(IDLE_SHARE)
            look = self._asked or (self._is_due("conntrack") and pays)
            if look:
                with looks.look():
                    table.look(whole=self._asked)
            pays = self._rhythm.by_events or tells.is_due(BUSY_SHARE)
            if look or (told != table.version and pays):
                if told != table.version:
                    self._tell_others()
                told = table.version
                with tells.look():
                    record = differences.record(table.entries(), time.monotonic())
                self._last["conntrack"] = (time.monotonic(), None)
                self._emit(record)
            if self._is_due("drops"):
                now = counters.read()
                drops = DropsRecord(
                    kind="drops",
                    host=self._host,
                    packets=now.packets,
                    bytes=now.octets,
                    blocked=now.blocked,
                )
                self._record(drops, now, key="drops")

        return watch

    def _emit_all(self, news: list[FlowRecord]) -> None:
        for record in news:
            self._emit(record)

    def _is_due(self, key: str) -> bool:
        return (
            time.monotonic() - self._last.get(key, (-math.inf, None))[0] >= self._rhythm.heartbeat_s
        )

    def _record(self, record: Record, identity: object, key: str | None = None) -> None:
        if self._is_news(key or record["kind"], identity):
            self._emit(record)

    def _is_news(self, key: str, identity: object) -> bool:
        """Whether to record a sample, which counts as recorded then: it changed, or it is due."""
        if not self._is_due(key) and self._last[key][1] == identity:
            return False
        self._last[key] = (time.monotonic(), identity)
        return True


def _ended_sockets() -> EndedSockets | None:
    """Listens for the ends of sockets, if the kernel reports them."""
    try:
        return EndedSockets()
    except OSError:
        return None
