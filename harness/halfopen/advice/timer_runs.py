"""Measures the kernel's timers in a lab: what a sender does whose peer does not answer any more.

Two hosts with a firewall between them; the firewall forgets all flows at once and drops what it
does not know.  On virtual time all timers have their defaults and are waited for to the end.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from halfopen.errors import LabError
from halfopen.guests import timer_witness
from halfopen.model.history import Record
from halfopen.model.topology import lay_out
from halfopen.ports import Feed, Lab, LabSpec, ProgramSpec, Ready
from halfopen.profiles import MiddleboxValues
from halfopen.verbs import ForgetFlows

_PROGRAM = Path(timer_witness.__file__)
_LEFT, _FIREWALL, _RIGHT = "left", "firewall", "right"
_OPEN, _FULL, _CLOSING = 7000, 7001, 7002
_ENDLESS_S = 30 * 86400.0

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Case:
    """A connection whose end is measured.

    Attributes:
        name: unique.
        does: as the witness takes it.
        options: more for it.
    """

    name: str
    does: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """What became of a connection; moments are seconds of the host's clock.

    Attributes:
        errno: with which the kernel gave it up.
        heard: last packet of the peer; None if there was none.
        sent: packets to it.
        at: its end.
    """

    errno: str
    heard: float | None
    sent: tuple[float, ...]
    at: float


def measure_ends(
    spec: LabSpec, directory: Path, cases: Sequence[Case], most_s: float
) -> dict[str, Seen]:
    """Wait until the kernel has given all connections up; name -> what was seen.

    Args:
        spec: the lab.
        directory: for its files.
        cases: connections, all at the same time.
        most_s: seconds of the lab's time to wait for them.

    Raises:
        LabError: if one of them does not end.
    """

    async def work() -> dict[str, Seen]:
        async with _Hosts.of(spec, directory, MiddleboxValues(idle_timeout=_ENDLESS_S)) as hosts:
            # A queue of one is full with two connections; who comes then gets no answer.
            full = [_connection(Case(f"full {number}", "hold"), _FULL) for number in (1, 2)]
            wanted = [_connection(each, _FULL if each.does == "open" else _OPEN) for each in cases]
            await hosts.start([*full, *wanted])
            await hosts.lab.apply(ForgetFlows(_FIREWALL))
            await hosts.cue()
            names = {each.name for each in cases}
            await hosts.until(lambda: names <= hosts.ended().keys(), most_s)
            if missing := names - hosts.ended().keys():
                raise LabError(f"the kernel did not give these up: {', '.join(sorted(missing))}")
            return hosts.ended()

    return _run(spec, work)


def measure_flows(
    spec: LabSpec, directory: Path, values: MiddleboxValues, cases: Sequence[Case], most_s: float
) -> dict[str, float]:
    """Seconds for which a firewall keeps each connection's entry after its last packet; by name.

    Args:
        spec: the lab.
        directory: for its files.
        values: of the firewall.
        cases: connections, all at the same time.
        most_s: seconds of the lab's time to wait for them.

    Raises:
        LabError: if one is kept for longer.
    """

    async def work() -> dict[str, float]:
        async with _Hosts.of(spec, directory, values) as hosts:
            ports = await hosts.start(
                [_connection(each, _CLOSING if each.does == "close" else _OPEN) for each in cases]
            )
            began = hosts.lab.now()
            await hosts.cue()
            await hosts.until(lambda: len(hosts.moments(ports, "destroyed")) == len(cases), most_s)
            if missing := ports.keys() - hosts.moments(ports, "destroyed").keys():
                raise LabError(f"the firewall still has these: {', '.join(sorted(missing))}")
            created = hosts.moments(ports, "created")
            held = {each.name: created[each.name] for each in cases if each.does == "hold"}
            gone = hosts.moments(ports, "destroyed")
            return {name: t - held.get(name, began) for name, t in gone.items()}

    return _run(spec, work)


def _connection(case: Case, port: int) -> Mapping[str, Any]:
    return {"name": case.name, "does": case.does, "port": port, **case.options}


def _run(spec: LabSpec, work: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
    with asyncio.Runner(loop_factory=spec.loop) as runner:
        return runner.run(work())


class _Hosts:
    """The hosts of a measurement, in a lab that is built."""

    def __init__(self, lab: Lab, records: Sequence[Record], address: str) -> None:
        self.lab = lab
        self._records = records
        self._address = address

    @classmethod
    @asynccontextmanager
    async def of(
        cls, spec: LabSpec, directory: Path, values: MiddleboxValues
    ) -> AsyncIterator[_Hosts]:
        """Hosts that end with the context."""
        records: list[Record] = []
        path = (_LEFT, _FIREWALL, _RIGHT)
        networks = lay_out(path)
        async with spec.open(directory, "0", records.append) as lab:
            firewall = {_FIREWALL: values.model_dump(mode="json")}
            await lab.build([path], networks, firewall, {}, {_FIREWALL: [ForgetFlows]})
            yield cls(lab, records, networks[_RIGHT].address)

    async def start(self, connections: Sequence[Mapping[str, Any]]) -> Mapping[str, int]:
        """Open connections from left to right; name -> port of the left side."""
        listening = {"listen": [[_OPEN, 100], [_FULL, 1]], "closing": _CLOSING}
        await self._start(_RIGHT, listening)
        await self._start(
            _LEFT, {"connect": [{**each, "address": self._address} for each in connections]}
        )
        return next(event["ports"] for event in self._events("ready") if event["ports"])

    async def _start(self, host: str, task: Mapping[str, Any]) -> None:
        argv = (sys.executable, "-I", str(_PROGRAM), json.dumps(task))
        program = ProgramSpec("witness", argv, {}, ready=Ready(event="ready"), feed=Feed())
        await self.lab.start(host, program)

    async def cue(self) -> None:
        """Let the connections do what they wait with."""
        await self.lab.feed(_LEFT, 1, 1)

    async def until(self, so: Callable[[], bool], most_s: float) -> None:
        """Wait until something is so, looking ever more rarely; `most_s` seconds at most."""
        waited = 0.0
        while not so() and waited < most_s:
            step = max(0.25, waited / 50)
            await asyncio.sleep(step)
            waited += step

    def _events(self, name: str) -> list[Mapping[str, Any]]:
        events = [each["event"] for each in list(self._records) if each["kind"] == "log"]
        return [each for each in events if each.get("event") == name]

    def ended(self) -> dict[str, Seen]:
        """What the kernel has given up so far."""
        return {
            each["name"]: Seen(each["errno"], each["heard"], tuple(each["sent"]), each["at"])
            for each in self._events("ended")
        }

    def moments(self, ports: Mapping[str, int], event: str) -> dict[str, float]:
        """When the firewall made or removed its entries, seconds of the lab's time, by name."""
        names = {str(port): name for name, port in ports.items()}
        return {
            names[each["client"].rpartition(":")[2]]: each["t"]
            for each in list(self._records)
            if each["kind"] == "flow"
            and each["event"] == event
            and each["client"].rpartition(":")[2] in names
        }
