"""A program in a container, as the agent sees it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from halfopen.errors import UnsupportedError
from halfopen.labs.agent.programs import Follower, Program, Running
from halfopen.model.program import ProgramSpec
from halfopen.model.records import Recorder
from halfopen.workloads.numbered import Messages

_ENDED_BEFORE_WE_LOOKED = 0
_SIGNALLED = 128


class Call(Protocol):
    """Has the lab do something, see :meth:`halfopen.labs.rpc.Peer.call`."""

    def __call__(self, do: str, **arguments: Any) -> Awaitable[Any]:
        """What to do, with what."""


class ContainerProgram(Program):
    """A program that the engine starts; everything else is as in the netns lab.

    Args:
        host: see :class:`Program`, as for the next five.
        spec: as there.
        directory: as there.
        messages: as there.
        emit: as there.
        follow: as there.
        call: reaches the engine.
        again: it was started before.
    """

    def __init__(
        self,
        host: str,
        spec: ProgramSpec,
        directory: Path,
        messages: Messages,
        emit: Recorder,
        follow: Callable[[Path], Follower],
        call: Call,
        again: bool,
    ) -> None:
        super().__init__(host, spec, directory, messages, emit, follow)
        self._call = call
        self.again = again
        self._killed = False
        self._outputs = {name: directory / f"{spec.name}.{name}" for name in ("log", "out")}

    async def launch(self, *, reads: bool) -> Running:
        """Have the engine start the container."""
        for path in self._outputs.values():
            path.touch()
        for name in self.spec.files:
            _open_to_all(Path(name), self._directory)
        pid = await self._call("run", host=self.host, program=asdict(self.spec), reads=reads)
        return Contained(self._call, self.host, self.name, pid, reads=reads)

    def signal(self, name: str) -> None:
        """As in the netns lab."""
        self._killed = self._killed or name == "KILL"
        super().signal(name)

    def limit(self, resource: int, unit: str, limit: int | None) -> None:
        """As in the netns lab.

        Raises:
            UnsupportedError: if it runs as another user: that would take CAP_SYS_RESOURCE, which
                many a machine has not to give.
        """
        try:
            super().limit(resource, unit, limit)
        except PermissionError:
            raise UnsupportedError(
                f"{self.name} on {self.host} runs as another user: its {unit} can only be "
                "limited from the start, by `limits`"
            ) from None

    async def end(self) -> None:
        """If it was killed, wait until the engine has noticed."""
        if self._killed and self._process is not None:
            await self._process.wait()

    def said(self, stream: str, data: str) -> None:
        """Keep a piece of its output."""
        with self._outputs[stream].open("ab") as file:
            file.write(data.encode("utf-8", "surrogateescape"))


def _open_to_all(file: Path, top: Path) -> None:
    """Let the subject, whichever user it is, write to a file of ours and beside it."""
    file.chmod(0o666)
    for directory in file.parents:
        if not directory.is_relative_to(top):
            return
        directory.chmod(0o777)


class Contained:
    """The first process of a container; see :class:`Running`."""

    def __init__(self, call: Call, host: str, program: str, pid: int, *, reads: bool) -> None:
        self._call = call
        self._where = {"host": host, "program": program}
        self._pid = pid
        self._status: int | None = None
        self.stdin = Input(call, self._where) if reads else None
        self._end = asyncio.create_task(self._watch())

    @property
    def pid(self) -> int:
        """As the engine's host sees it."""
        return self._pid

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self._status

    async def wait(self) -> int:
        """Wait for its end; returns its exit status."""
        return await asyncio.shield(self._end)

    async def _watch(self) -> int:
        if self._pid != _ENDED_BEFORE_WE_LOOKED:
            await _gone(self._pid)
        status = int(await self._call("status", **self._where))
        # As asyncio has it.  The engine, like a shell, adds the signal's number to 128.
        self._status = _SIGNALLED - status if status > _SIGNALLED else status
        return self._status


async def _gone(pid: int) -> None:
    """Wait for the end of a process that is no child of ours: pidfd_open(2)."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


class Input:
    """Standard input of a container, by way of the engine; see :class:`Stream` of the inlets."""

    def __init__(self, call: Call, where: dict[str, str]) -> None:
        self._call = call
        self._where = where
        self._buffer = b""
        self._closing: asyncio.Future[Any] | None = None

    def write(self, data: bytes) -> None:
        """Hand bytes over; :meth:`drain` sends them."""
        self._buffer += data

    async def drain(self) -> None:
        """Send, and wait until the engine has taken it all.

        Raises:
            BrokenPipeError: if the container is gone.
        """
        data, self._buffer = self._buffer, b""
        if not await self._call("write", data=data.decode(), **self._where):
            raise BrokenPipeError(f"{self._where['program']} has stopped reading its input")

    def close(self) -> None:
        """End of file."""
        self._closing = asyncio.ensure_future(self._call("close", **self._where))
