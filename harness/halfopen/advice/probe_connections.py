"""Connections between two hosts of a lab, on either side of firewalls, and what becomes of them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halfopen.guests import probe_peer
from halfopen.kernel import Keepalive
from halfopen.model.history import Record
from halfopen.ports import Feed, Lab, ProgramSpec, Ready

PROGRAM = Path(probe_peer.__file__)


@dataclass(frozen=True)
class ProbeConnection:
    """A connection that one host opens to the other.

    Attributes:
        name: unique on its host.
        keepalive: of the side that opens it.
        user_timeout_ms: of that side; 0 for none.
        say: numbers of the cues, from 1, at which a byte is sent.
        port: of the other side; see :class:`ProbeListener`.
        fill: whether it sends at once as much as goes.
    """

    name: str
    keepalive: Keepalive | None = None
    user_timeout_ms: int = 0
    say: tuple[int, ...] = ()
    port: int = 7000
    fill: bool = False


@dataclass(frozen=True)
class ProbeListener:
    """A port that echoes, or reads nothing; the keepalive is that of accepted connections."""

    port: int = 7000
    keepalive: Keepalive | None = None
    deaf: bool = False


class Peers:
    """Programs on two hosts of a lab, that hold connections to each other.

    Args:
        lab: built, with both hosts.
        records: to which the lab's recorder appends.
    """

    def __init__(self, lab: Lab, records: Sequence[Record]) -> None:
        self._lab = lab
        self._records = records
        self._cues: dict[str, int] = {}

    async def listen(self, host: str, *listeners: ProbeListener) -> None:
        """Let a host take connections."""
        ports = [
            {"port": each.port, "keepalive": _numbers(each.keepalive), "deaf": each.deaf}
            for each in listeners
        ]
        await self._start(host, "listener", {"listen": ports})

    async def connect(
        self, host: str, address: str, connections: Sequence[ProbeConnection]
    ) -> None:
        """Open connections from a host; all are there when this returns.

        Raises:
            LabError: if it does not come to that.
        """
        wanted = [
            {
                "name": each.name,
                "address": address,
                "port": each.port,
                "keepalive": _numbers(each.keepalive),
                "user_timeout_ms": each.user_timeout_ms,
                "say": list(each.say),
                "fill": each.fill,
            }
            for each in connections
        ]
        await self._start(host, "peer", {"connect": wanted})
        self._cues[host] = 0

    async def _start(self, host: str, name: str, task: Mapping[str, Any]) -> None:
        argv = (sys.executable, "-I", str(PROGRAM), json.dumps(task))
        await self._lab.start(
            host, ProgramSpec(name, argv, {}, ready=Ready(event="ready"), feed=Feed())
        )

    async def cue(self, host: str) -> None:
        """Tell the connections that wait for the next cue to send."""
        self._cues[host] += 1
        await self._lab.feed(host, self._cues[host], 1)

    def events(self, host: str, name: str, event: str) -> list[Mapping[str, Any]]:
        """What was said of a connection so far."""
        return [
            record["event"]
            for record in list(self._records)
            if record["kind"] == "log"
            and record["host"] == host
            and record["event"].get("name") == name
            and record["event"]["event"] == event
        ]

    async def ended(self, host: str, names: Sequence[str], patience: float) -> None:
        """Wait until all these have ended, `patience` seconds at most."""
        deadline = self._lab.now() + patience
        while not all(self.events(host, name, "ended") for name in names):
            if self._lab.now() > deadline:
                return
            await asyncio.sleep(0.05)


def _numbers(keepalive: Keepalive | None) -> list[int] | None:
    return None if keepalive is None else [keepalive.idle, keepalive.interval, keepalive.probes]
