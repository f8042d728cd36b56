"""Inside the sandbox: watches one host from a thread that lives in the host's network namespace.

Nothing of this runs in the subject: sockets come from sock_diag, flows from conntrack, file
descriptors from /proc.  What did not change is recorded once a second only.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pyroute2 import netns

from halfopen.probes.conntrack import Flow, FlowTable
from halfopen.probes.counters import dropped
from halfopen.probes.fds import FdProbe
from halfopen.probes.sockets import SocketProbe

SAMPLE_S = 0.25
HEARTBEAT_S = 1.0

Emit = Callable[[dict[str, Any]], None]


class Observer(threading.Thread):
    """Samples a host until it is told to stop.

    Args:
        host: name of the host, and of its namespace.
        middlebox: True: watch conntrack and drops; False: watch sockets and file descriptors.
        programs: name -> pid of the programs that run on the host now.
        emit: takes a record without `t`; called from this thread.
        failed: takes the reason if the observer cannot go on; called from this thread.
    """

    def __init__(
        self,
        host: str,
        *,
        middlebox: bool,
        programs: Callable[[], Mapping[str, int]],
        emit: Emit,
        failed: Callable[[str], None],
    ) -> None:
        super().__init__(name=f"observer of {host}", daemon=True)
        self._host = host
        self._middlebox = middlebox
        self._programs = programs
        self._emit = emit
        self._failed = failed
        self._requests: queue.Queue[tuple[Callable[[], None], threading.Event]] = queue.Queue()
        self._watch: Callable[[], None] = lambda: None
        self._flows: FlowTable | None = None
        self._stopping = threading.Event()
        self._last: dict[str, tuple[float, object]] = {}

    def run(self) -> None:
        """Thread body: enter the namespace for good, then sample at a steady pace."""
        try:
            netns.setns(self._host)
            self._watch = self._watch_middlebox() if self._middlebox else self._watch_endpoint()
            due = time.monotonic()
            while not self._stopping.is_set():
                self._watch()
                due = max(due + SAMPLE_S, time.monotonic())
                self._serve_until(due)
            self._sample()
        except Exception as error:
            self._failed(f"the observer of {self._host} broke: {type(error).__name__}: {error}")

    def stop(self) -> None:
        """Take a last sample, then end; waits for it."""
        self._stopping.set()
        self._requests.put((lambda: None, threading.Event()))
        self.join(timeout=5)

    def sample(self) -> None:
        """Record everything now, changed or not; waits for it."""
        self._ask(self._sample)

    def forget(self, clients: Iterable[str] | None) -> list[Flow]:
        """Remove entries of the flow table, see :meth:`FlowTable.forget`; waits for it."""
        gone: list[Flow] = []

        def act() -> None:
            assert self._flows is not None, f"{self._host} is no middlebox"
            gone.extend(self._flows.forget(clients))

        self._ask(act)
        return gone

    def _ask(self, action: Callable[[], None]) -> None:
        """Run `action` in this thread, which is the one inside the namespace."""
        done = threading.Event()
        self._requests.put((action, done))
        if not done.wait(timeout=10):
            raise TimeoutError(f"the observer of {self._host} did not answer in 10 s")

    def _sample(self) -> None:
        self._last.clear()
        self._watch()

    def _serve_until(self, due: float) -> None:
        while (left := due - time.monotonic()) > 0 and not self._stopping.is_set():
            try:
                action, done = self._requests.get(timeout=left)
            except queue.Empty:
                return
            action()
            done.set()

    def _watch_endpoint(self) -> Callable[[], None]:
        sockets, fds = SocketProbe(), FdProbe()

        def watch() -> None:
            programs = dict(self._programs())
            inodes = fds.read(programs)
            seen = sockets.read(fds.owners(inodes))
            self._record(
                {"kind": "sockets", "host": self._host, "sockets": [s.record for s in seen]},
                [s.identity for s in seen],
            )
            for sample in fds.count(inodes, {s.inode: s.kind for s in seen}):
                record = {"kind": "fds", "host": self._host, **sample}
                self._record(record, sample, key=f"fds {sample['process']}")

        return watch

    def _watch_middlebox(self) -> Callable[[], None]:
        table = self._flows = FlowTable()

        def watch() -> None:
            entries, events = table.read()
            for event in events:
                self._emit({"kind": "flow", "host": self._host, **event})
            self._record(
                {"kind": "conntrack", "host": self._host, "entries": entries},
                [(e["client"], e["server"], e["state"]) for e in entries],
            )
            if self._due("drops"):
                packets, octets = dropped()
                record = {"kind": "drops", "host": self._host, "packets": packets, "bytes": octets}
                self._record(record, packets, key="drops")

        return watch

    def _due(self, key: str) -> bool:
        return time.monotonic() - self._last.get(key, (0.0, None))[0] >= HEARTBEAT_S

    def _record(self, record: dict[str, Any], identity: object, key: str | None = None) -> None:
        key = key or record["kind"]
        if self._due(key) or self._last[key][1] != identity:
            self._last[key] = (time.monotonic(), identity)
            self._emit(record)
