"""The agent (:mod:`halfopen.labs.agent`) for hosts that are containers.

It runs in the engine host's PID namespace and sees the programs' processes from outside.  It has
requests of its own to the lab, for what only the engine can do: start a container, write to its
standard input, tell its exit status.  When standard input ends, because the caller has died, it
kills what runs, so that nothing is left but entries in the engine's lists.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from halfopen.errors import LabError, UnsupportedError
from halfopen.labs.agent import network
from halfopen.labs.agent.agent import Agent, Write, serve
from halfopen.labs.agent.programs import Program
from halfopen.labs.agent.resolver import Resolver
from halfopen.labs.docker.subject import ContainerProgram
from halfopen.labs.docker.sweeping import VARIABLE, sweep
from halfopen.model.program import ProgramSpec
from halfopen.probes import namespaces

_WRITABLE_BY_ALL = 0o777


class ContainerAgent(Agent):
    """The state of one run, see :class:`halfopen.labs.agent.agent.Agent`."""

    def __init__(self, write: Write) -> None:
        super().__init__(write)
        self._subjects: dict[tuple[str, str], ContainerProgram] = {}

    async def do_clock(self, _: Mapping[str, Any]) -> float:
        """CLOCK_MONOTONIC of the engine's host, which need not be the caller's machine."""
        return time.monotonic()

    def on_said(self, request: Mapping[str, Any]) -> None:
        """`host`, `program`, `stream` (log, out), `data`: a piece of a container's output."""
        self._subjects[request["host"], request["program"]].said(request["stream"], request["data"])

    def create_host(self, name: str, request: Mapping[str, Any]) -> None:
        """An endpoint's namespace is that of its pause container (`pause_containers`: pids)."""
        pid = request["pause_containers"].get(name)
        if pid is None:
            super().create_host(name, request)
            return
        try:
            namespaces.keep(Path(f"/proc/{pid}/ns/net"), name)
        except OSError as error:
            raise LabError(f"cannot enter the namespace of {name}: {error}") from error
        network.set_loopback_up(name)
        network.let_packets_far(name)
        for directory in (self.directory(name), self.directory(name) / "disk"):
            directory.mkdir(parents=True, exist_ok=True)
            directory.chmod(_WRITABLE_BY_ALL)  # a subject may be any user

    async def do_capture(self, request: Mapping[str, Any]) -> None:
        """As in the netns lab; nobody has made the directory yet."""
        await asyncio.to_thread(Path(request["directory"]).mkdir)
        await super().do_capture(request)

    async def prepare(self, host: str, _: Collection[str]) -> None:
        """An endpoint asks our resolver: its container was told to (see `pause_container`)."""
        self.resolvers[host] = Resolver(host, self.addresses)
        await self.resolvers[host].open()

    async def do_start(self, request: Mapping[str, Any]) -> int:
        """As in the netns lab; but a container that ends at once says something of its image."""
        try:
            return await super().do_start(request)
        except LabError as error:
            subject = self._subjects[request["host"], request["program"]["name"]]
            if subject.pid is None and not subject.again:
                raise UnsupportedError(
                    f"a container ended as soon as it started: {error}"
                ) from None
            raise

    async def start(self, host: str, spec: ProgramSpec, timeout: float = 30.0) -> int:
        """As in the netns lab; there a program that is killed is gone sooner."""
        before = self._subjects.get((host, spec.name))
        if before is not None:
            await before.end()
        _look_for_preloads(spec)
        return await super().start(host, spec, timeout)

    def make_program(self, host: str, spec: ProgramSpec, directory: Path) -> Program:
        """A program that the engine starts in a container of its own."""
        again = (host, spec.name) in self._subjects
        subject = ContainerProgram(
            host, spec, directory, self._messages, self.emit, self._follow, self.peer.call, again
        )
        self._subjects[host, spec.name] = subject
        return subject


def _look_for_preloads(spec: ProgramSpec) -> None:
    """Without one of them the program would run all the same, after a word to nobody."""
    for library in filter(None, spec.env.get("LD_PRELOAD", "").split(":")):
        if not Path(library).exists():
            raise UnsupportedError(
                f"the helper image has no {library} for {spec.name}: it is from an older "
                "halfopen; run `make images` in halfopen's source tree"
            )


async def _main() -> None:
    try:
        await serve(ContainerAgent)
    finally:
        sweep(os.environ[VARIABLE])


if __name__ == "__main__":
    # A container sees /proc/sys read-only; what we write there belongs to hosts of the run.
    subprocess.run(["mount", "-o", "remount,rw", "/proc/sys"], check=True)
    asyncio.run(_main())
