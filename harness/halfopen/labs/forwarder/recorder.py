"""What the engine records, in the words that the conntrack probe uses for the kernel's table."""

from __future__ import annotations

import math
import time
from typing import Literal

from halfopen.labs.forwarder.forwarder import Forwarder
from halfopen.middlebox.flow import State, TrackedFlow
from halfopen.middlebox.verdict import Cause
from halfopen.model.differences import EntryDifferences
from halfopen.model.records import (
    DropsRecord,
    FlowEntry,
    FlowRecord,
    Recorder,
)
from halfopen.model.sampling import HEARTBEAT_S, SAMPLE_S


def state_of(flow: TrackedFlow) -> str:
    """The state of a flow, named as conntrack names it."""
    match flow.state:
        case State.OPENING:
            return "SYN_RECV" if flow.assured else "SYN_SENT"
        case State.ESTABLISHED:
            return "ESTABLISHED"
        case State.HALF_CLOSED:
            return "FIN_WAIT"
        case State.TIME_WAIT:
            return "TIME_WAIT"
        case State.RESET:
            return "CLOSE"


def _outside(flow: TrackedFlow) -> list[str] | None:
    """Client and server as the server sees them, if that is another view than the client's."""
    seen = flow.leaving(flow.opener)
    return None if seen == flow.opened else [str(seen.source), str(seen.destination)]


class MiddleboxRecorder:
    """Writes the records of one middlebox.

    Args:
        host: name of the middlebox.
        record: takes the records.
        heartbeat_s: seconds after which a sample is recorded even if nothing has changed.
        longest_s: seconds between two samples while nothing changes.
    """

    def __init__(
        self,
        host: str,
        record: Recorder,
        heartbeat_s: float = HEARTBEAT_S,
        longest_s: float = SAMPLE_S,
    ) -> None:
        self._host = host
        self._record = record
        self._names: dict[int, tuple[str, str]] = {}
        self._heartbeat_s = heartbeat_s
        self._longest_s = longest_s
        self._sampled = -math.inf
        self._last: dict[str, tuple[float, object]] = {}
        self._changes = 0
        self._differences = EntryDifferences(host)

    def due(self, forwarder: Forwarder) -> float:
        """When the next sample of it is to be taken (CLOCK_MONOTONIC)."""
        changed = self._changes != forwarder.changes
        return self._sampled + (SAMPLE_S if changed else self._longest_s)

    def created(self, flow: TrackedFlow) -> None:
        """A flow is known from now on."""
        client, server = flow.opened
        self._names[flow.number] = (str(client), str(server))
        self._record(self._flow("created", flow))

    def ended(self, flow: TrackedFlow, cause: Cause) -> None:
        """A flow is known no more."""
        record = self._flow("destroyed", flow)
        record["cause"] = cause
        self._record(record)
        del self._names[flow.number]

    def sample(self, forwarder: Forwarder, overflow: int, *, everything: bool = False) -> None:
        """Record the table, and what did not get through, if it changed or it is time to.

        Args:
            forwarder: what to record.
            overflow: frames that came faster than they could be taken.
            everything: record it in any case.
        """
        now = time.monotonic()
        self._sampled = now
        if everything or self._changes != forwarder.changes or self._stale("conntrack", now):
            self._changes = forwarder.changes
            entries = sorted(
                (self._entry(flow, now) for flow in forwarder.table),
                key=lambda entry: (entry["server"], entry["client"]),
            )
            identity = [(e["client"], e["server"], e["state"]) for e in entries]
            if self._is_news("conntrack", identity, now, everything):
                self._record(self._differences.record(entries, now))
        tally = forwarder.tally
        drops = DropsRecord(
            kind="drops",
            host=self._host,
            packets=tally.late,
            bytes=tally.late_octets,
            blocked=tally.blocked,
            full=tally.full,
            lost=forwarder.faults.lost,
            overflow=overflow,
        )
        if everything or self._stale("drops", now):
            self._last["drops"] = (now, None)
            self._record(drops)

    def _flow(self, event: Literal["created", "destroyed"], flow: TrackedFlow) -> FlowRecord:
        client, server = self._names[flow.number]
        record = FlowRecord(
            kind="flow",
            host=self._host,
            event=event,
            client=client,
            server=server,
            state=state_of(flow),
        )
        if (outside := _outside(flow)) is not None:
            record["outside"] = outside
        return record

    def _entry(self, flow: TrackedFlow, now: float) -> FlowEntry:
        client, server = self._names[flow.number]
        left = None if flow.deadline is None else max(0, math.ceil(flow.deadline - now))
        entry = FlowEntry(client=client, server=server, state=state_of(flow), expires_s=left)
        if (outside := _outside(flow)) is not None:
            entry["outside"] = outside
        return entry

    def _stale(self, kind: str, now: float) -> bool:
        return now - self._last.get(kind, (-math.inf, None))[0] >= self._heartbeat_s

    def _is_news(self, kind: str, identity: object, now: float, always: bool) -> bool:
        """Whether to record a sample, which counts as recorded then: it changed, or it is due."""
        if not always and not self._stale(kind, now) and self._last[kind][1] == identity:
            return False
        self._last[kind] = (now, identity)
        return True
