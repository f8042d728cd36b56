"""The first process of the PID namespace, which does what the lab asks.

It takes requests from standard input, and writes answers and records to standard output
(:mod:`halfopen.labs.rpc`).
When standard input ends, or this process dies, the kernel ends everything in the sandbox.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from halfopen.errors import LabError, UnsupportedError
from halfopen.labs.agent import network
from halfopen.labs.agent.actions import all_actions
from halfopen.labs.agent.actions._action import nothing_more, nothing_to_prepare
from halfopen.labs.agent.captures import Captures
from halfopen.labs.agent.engines import MiddleboxSetup, RunningMiddlebox, choose
from halfopen.labs.agent.environment import LaunchEnvironment
from halfopen.labs.agent.feeding import Batch, until_stuck
from halfopen.labs.agent.meter import Meter
from halfopen.labs.agent.observer import Observer
from halfopen.labs.agent.programs import Follower, Program
from halfopen.labs.agent.resolver import Resolver, cover_files
from halfopen.labs.agent.rhythm import STEADY, Rhythm, Stirs
from halfopen.labs.rpc import Peer
from halfopen.middlebox.attachment import Attachment
from halfopen.model.messages import MessageShape
from halfopen.model.program import ProgramSpec, program_from_json
from halfopen.model.records import EngineRecord, LabRecord, Record, at
from halfopen.model.topology import (
    HostNetwork,
    Interface,
    Route,
    addresses_seen,
    line_through,
    links,
)
from halfopen.model.ways import is_junction
from halfopen.verbs import verb_from_json
from halfopen.workloads.numbered import Messages

_PIECE = 1 << 20

# What is recorded because somebody looked says of nothing that has just happened.
_SAMPLES = frozenset({"sockets", "fds", "conntrack", "drops", "keepalives", "machine", "spool"})

Write = Callable[[bytes], None]


class Agent:
    """The state of one sandbox.

    Args:
        write: writes a line to the lab.
        rhythm: of the looks at the hosts.
    """

    def __init__(self, write: Write, rhythm: Rhythm = STEADY) -> None:
        self.peer = Peer(self, write, lambda: "the lab has ended")
        self._loop = asyncio.get_running_loop()
        self._origin = time.monotonic()
        self._messages = Messages("")
        self._directory = Path()
        self.networks: dict[str, HostNetwork] = {}
        self.addresses: dict[str, str] = {}
        self.middleboxes: dict[str, RunningMiddlebox] = {}
        self.resolvers: dict[str, Resolver] = {}
        self.kept: dict[tuple[str, str], Any] = {}
        self._environments: dict[str, LaunchEnvironment] = {}
        self._prepared: Mapping[str, Collection[str]] = {}
        self._observers: dict[str, Observer] = {}
        self._programs: dict[str, dict[str, Program]] = {}  # host, name
        self._followers: dict[Path, Follower] = {}
        self._feeds: dict[Batch, asyncio.Task[None]] = {}
        self._captures = Captures(self.emit)
        self._meter = Meter(self.emit)
        self._rhythm = rhythm
        self._stirs = Stirs()

    def emit(self, record: Record) -> None:
        """Record something now; from any thread."""
        if record["kind"] not in _SAMPLES:
            self._stirs.stir()
        stamped = at(time.monotonic() - self._origin, record)
        self._loop.call_soon_threadsafe(partial(self.peer.notify, "record", record=stamped))

    async def do_begin(self, request: Mapping[str, Any]) -> None:
        """`origin` (CLOCK_MONOTONIC of the run's beginning), `token`, `directory`."""
        self._origin = float(request["origin"])
        self._messages = Messages(request["token"])
        self._directory = Path(request["directory"])
        if not self._rhythm.by_events:  # where time is virtual, nothing is late
            self._meter.start()

    async def do_build(self, request: Mapping[str, Any]) -> None:
        """`paths`: host names of each; `networks`: name -> interfaces, routes; `sysctls`.

        `firewalls`: middlebox -> values of its profile; `demands`: host -> names of verbs that
        will be asked of it; `engines`: middlebox -> engine that it must have.
        """
        networks = {
            name: HostNetwork(
                tuple(Interface(**i) for i in value["interfaces"]),
                tuple(Route(**r) for r in value["routes"]),
            )
            for name, value in request["networks"].items()
        }
        self.networks = networks
        self._prepared = request["demands"]
        self.addresses = {name: each.address for name, each in networks.items()}
        await asyncio.to_thread(self._build, request, networks)
        for name in networks:
            if name in self.middleboxes or is_junction(name):
                continue
            await self.prepare(name, request["demands"].get(name, ()))
            observer = Observer(
                name,
                middlebox=False,
                programs=lambda name=name: self._running(name),  # type: ignore[misc]
                emit=self.emit,
                failed=self._failed,
                late=self._meter.note,
                rhythm=self._rhythm,
                stir=self._stirs.stir,
            )
            self._stirs.add(observer.stir)
            self._observers[name] = observer
            observer.start()

    def _build(self, request: Mapping[str, Any], networks: Mapping[str, HostNetwork]) -> None:
        paths = request["paths"]
        for name in networks:
            if is_junction(name):
                network.create_host(name)
                network.set_sysctls(name, network.FORWARDING)
            else:
                self.create_host(name, request)
        for left, right in links(networks):
            network.connect(left, right, networks)
        for name in networks:
            network.add_routes(name, networks[name])
            network.set_sysctls(name, request["sysctls"].get(name, {}))
        for name in networks:
            network.await_usable(name, networks[name].interfaces)
        nat = {name: values.get("nat", "none") for name, values in request["firewalls"].items()}
        for name, values in request["firewalls"].items():
            demands = request["demands"].get(name, ())
            engine = choose(values, demands, request["engines"].get(name, "any"))
            self.emit(EngineRecord(kind="engine", host=name, engine=engine.name))
            line = line_through(paths, networks, name)
            seen = addresses_seen(paths if len(paths) > 1 else [line], networks, nat, name)
            attachment = Attachment.on(line, name, networks[name], seen, values.get("pool") or ())
            setup = MiddleboxSetup(
                name,
                networks[name],
                attachment,
                values,
                seen,
                self.emit,
                self._failed,
                self._rhythm,
                self._stirs,
            )
            self.middleboxes[name] = engine.build(setup)

    def create_host(self, name: str, _: Mapping[str, Any]) -> None:
        """Make the namespace of a host; the request is that of :meth:`do_build`."""
        network.create_host(name)

    async def prepare(self, host: str, demands: Collection[str]) -> None:
        """Make an endpoint ready for its programs, and for what will be done to them."""
        if not self.resolvers:
            await asyncio.to_thread(cover_files)
        self.resolvers[host] = Resolver(host, self.addresses)
        await self.resolvers[host].open()
        found = LaunchEnvironment()
        known = {verb.__name__: action for verb, action in all_actions().items()}
        asked = [known[name].prepare for name in sorted(demands) if name in known]
        for prepare in dict.fromkeys(asked):
            found |= await prepare(host, demands, self)
        self._environments[host] = found

    def make_program(self, host: str, spec: ProgramSpec, directory: Path) -> Program:
        """A program that is yet to be started."""
        return Program(host, spec, directory, self._messages, self.emit, self._follow, self._rhythm)

    def _failed(self, reason: str) -> None:
        self.emit(LabRecord(kind="lab", problem=reason))

    def directory(self, host: str) -> Path:
        """Where the lab keeps what the programs of a host say."""
        return self._directory / host

    def disk(self, host: str) -> Path:
        """Where the programs of a host have their files."""
        return self.directory(host) / "disk"

    def _running(self, host: str) -> dict[str, int]:
        return {
            program.name: program.pid
            for program in list(self._programs.get(host, {}).values())
            if program.pid is not None
        }

    async def do_start(self, request: Mapping[str, Any]) -> int:
        """`host`, `program` (a ProgramSpec), `timeout`, `keep`: start it until it can work."""
        host, spec = request["host"], program_from_json(request["program"])
        before = self._programs.get(host, {}).get(spec.name)
        if request["keep"] and before is not None and before.pid is not None:
            return before.pid
        return await self.start(host, spec, request["timeout"])

    async def start(self, host: str, spec: ProgramSpec, timeout: float = 30.0) -> int:
        """Start a program and wait until it is ready; returns its pid."""
        programs = self._programs.setdefault(host, {})
        before = programs.get(spec.name)
        if before is not None and before.pid is not None:
            raise LabError(f"{before.name} is already running on {host}: stop it first")
        directory = self.directory(host)
        directory.mkdir(parents=True, exist_ok=True)
        program = self.make_program(host, spec, directory)
        program.environment = self._environments.get(host, LaunchEnvironment())
        programs.pop(spec.name, None)  # it is the last that was started
        programs[spec.name] = program
        pid = await program.start()
        await program.wait_ready(max(timeout, spec.starts_within))
        return pid

    async def do_feed(self, request: Mapping[str, Any]) -> None:
        """`host`, `first`, `count`, `every`, `background`, `form`: feed its program.

        What a program does not read goes on in the background.
        """
        program = self.program(request["host"])
        batch = Batch(
            request["host"],
            program.name,
            request["first"],
            request["count"],
            request["every"],
            MessageShape(**request["form"]),
        )
        task = asyncio.create_task(program.feeder().feed(batch))
        self._feeds[batch] = task
        if not request["background"] and not await until_stuck(batch, task):
            self.emit(batch.record())

    async def do_fed(self, _: Mapping[str, Any]) -> list[str]:
        """Wait until all that is fed is taken; answers which programs do not read it."""
        left = []
        for batch, task in list(self._feeds.items()):
            if await until_stuck(batch, task):
                del self._feeds[batch]
            else:
                self.emit(batch.record())
                left.append(str(batch))
        return left

    async def do_stop(self, request: Mapping[str, Any]) -> None:
        """`host`, `timeout`: end its programs, the last that was started first."""
        self.program(request["host"])
        for program in reversed(self._programs[request["host"]].values()):
            await program.stop(request["timeout"])

    async def do_apply(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """`verb` (as :func:`verb_to_json` writes it): do it; answers what it touched."""
        verb = verb_from_json(request["verb"])
        action = all_actions().get(type(verb))
        if action is None:
            raise UnsupportedError(f"this lab does not support {type(verb).__name__}")
        for host in verb.hosts if action.prepare is not nothing_to_prepare else ():
            if type(verb).__name__ not in self._prepared.get(host, ()):
                raise UnsupportedError(
                    f"{host} was not prepared for {type(verb).__name__}: name "
                    "the fault before the programs start"
                )
        touched = await action.do(verb, self)
        return replace(touched, goes_on=action.touched is not nothing_more).to_json()

    async def do_touched(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """`verb`, which was applied before: answers what it has touched so far."""
        verb = verb_from_json(request["verb"])
        return (await all_actions()[type(verb)].touched(verb, self)).to_json()

    async def do_capture(self, request: Mapping[str, Any]) -> None:
        """`directory`: write from now on what each link carries into a file there."""
        await self._captures.begin(Path(request["directory"]), self.networks)

    async def do_sample(self, _: Mapping[str, Any]) -> None:
        """Record the state of all hosts now; the records come before the answer."""
        self._collect()
        for observer in self._observers.values():
            await asyncio.to_thread(observer.sample)
        for middlebox in self.middleboxes.values():
            await middlebox.sample()
        await asyncio.sleep(0)

    async def do_finish(self, _: Mapping[str, Any]) -> None:
        """Take the last samples; nothing is recorded after the answer."""
        for observer in self._observers.values():
            await asyncio.to_thread(observer.stop)
        for middlebox in self.middleboxes.values():
            await middlebox.stop()
        self._collect()
        for environment in self._environments.values():
            for finish in environment.finish:
                await asyncio.to_thread(finish)
        await self._captures.end()
        await self._meter.stop()
        # What the threads handed over is written before the answer is.
        await asyncio.sleep(0)

    def _collect(self) -> None:
        for programs in self._programs.values():
            for program in programs.values():
                program.collect()

    def _follow(self, path: Path) -> Follower:
        return self._followers.setdefault(path, Follower(path))

    def program(self, host: str) -> Program:
        """The program that was started on a host last."""
        programs = self._programs.get(host)
        if not programs:
            raise LabError(f"no program was started on {host}")
        return next(reversed(programs.values()))


async def serve(make: Callable[[Write], Agent] = Agent) -> None:
    """Serve requests until standard input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_PIECE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    transport, _ = await loop.connect_write_pipe(asyncio.Protocol, sys.stdout.buffer)
    network.NAMESPACES.mkdir(parents=True, exist_ok=True)
    agent = make(transport.write)
    agent.peer.notify("ready")
    while data := await reader.read(_PIECE):
        agent.peer.take(data)


if __name__ == "__main__":
    asyncio.run(serve())
