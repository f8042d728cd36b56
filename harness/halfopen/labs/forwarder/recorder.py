"""What the engine records, in the words that the conntrack probe uses for the kernel's table."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from halfopen.labs.forwarder.forwarder import Forwarder
from halfopen.middlebox.flow import Flow, State
from halfopen.middlebox.flowtable import Cause
from halfopen.model.sampling import HEARTBEAT_S, SAMPLE_S

Emit = Callable[[Mapping[str, Any]], None]


def state_of(flow: Flow) -> str:
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


def _outside(flow: Flow) -> dict[str, Any]:
    """Client and server as the server sees them, if that is another view than the client's."""
    seen = flow.leaving(flow.opener)
    return {} if seen == flow.opened else {"outside": [str(seen.source), str(seen.destination)]}


class Recorder:
    """Writes the records of one middlebox.

    Args:
        host: name of the middlebox.
        record: takes records without `t`.
    """

    def __init__(self, host: str, record: Emit) -> None:
        self._host = host
        self._record = record
        self._names: dict[int, tuple[str, str]] = {}
        self._due = 0.0
        self._last: dict[str, tuple[float, object]] = {}
        self._changes = 0

    @property
    def due(self) -> float:
        """When the next sample is to be taken (CLOCK_MONOTONIC)."""
        return self._due

    def created(self, flow: Flow) -> None:
        """A flow is known from now on."""
        client, server = flow.opened
        self._names[flow.number] = (str(client), str(server))
        self._flow("created", flow)

    def ended(self, flow: Flow, cause: Cause) -> None:
        """A flow is known no more."""
        self._flow("destroyed", flow, cause=cause)
        del self._names[flow.number]

    def sample(self, forwarder: Forwarder, overflow: int, *, everything: bool = False) -> None:
        """Record the table, and what did not get through, if it changed or it is time to.

        Args:
            forwarder: what to record.
            overflow: frames that came faster than they could be taken.
            everything: record it in any case.
        """
        now = time.monotonic()
        self._due = now + SAMPLE_S
        if everything or self._changes != forwarder.changes or self._stale("conntrack", now):
            self._changes = forwarder.changes
            entries = sorted(
                (self._entry(flow, now) for flow in forwarder.table),
                key=lambda entry: (entry["server"], entry["client"]),
            )
            identity = [(e["client"], e["server"], e["state"]) for e in entries]
            self._say({"kind": "conntrack", "entries": entries}, identity, now, everything)
        tally = forwarder.tally
        drops = {
            "kind": "drops",
            "packets": tally.late,
            "bytes": tally.late_octets,
            "blocked": tally.blocked,
            "full": tally.full,
            "lost": forwarder.faults.lost,
            "overflow": overflow,
        }
        if everything or self._stale("drops", now):
            self._say(drops, drops, now, everything)

    def _flow(self, event: str, flow: Flow, **more: str) -> None:
        client, server = self._names[flow.number]
        record = {"kind": "flow", "host": self._host, "event": event, "client": client}
        named = {**record, "server": server, **_outside(flow)}
        self._record({**named, "state": state_of(flow), **more})

    def _entry(self, flow: Flow, now: float) -> dict[str, Any]:
        client, server = self._names[flow.number]
        left = None if flow.deadline is None else max(0, math.ceil(flow.deadline - now))
        named = {"client": client, "server": server, **_outside(flow)}
        return {**named, "state": state_of(flow), "expires_s": left}

    def _stale(self, kind: str, now: float) -> bool:
        return now - self._last.get(kind, (-math.inf, None))[0] >= HEARTBEAT_S

    def _say(self, record: dict[str, Any], identity: object, now: float, always: bool) -> None:
        kind = record["kind"]
        if always or self._stale(kind, now) or self._last[kind][1] != identity:
            self._last[kind] = (now, identity)
            self._record({"host": self._host, **record})
