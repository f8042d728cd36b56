"""One run in containers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import docker

from halfopen.labs.client import AgentLab
from halfopen.labs.docker import garbage
from halfopen.labs.docker.attached import STDOUT, Attached, attach
from halfopen.labs.docker.containers import (
    CAPABILITIES,
    CAPTURES,
    HOSTS,
    LIBKEEPALIVE,
    Containers,
)
from halfopen.labs.docker.engine import connect
from halfopen.labs.rpc import Message
from halfopen.model.program import program_from_json
from halfopen.model.records import Recorder
from halfopen.model.topology import HostNetwork
from halfopen.model.ways import is_junction
from halfopen.ports import Demands, Middlebox

T = TypeVar("T")

_PINGS = 5
_LAST_WORDS = 3000
_OUTPUT_DRAINS_S = 5.0


class DockerLab(AgentLab):
    """The containers of one run.

    An asynchronous context manager: leaving it removes them.  If this process dies instead, the
    helper kills what runs, and the next docker lab, or `halfopen clean`, removes what is left.

    Args:
        directory: to which the programs' files are copied at the end.
        token: see :class:`AgentLab`.
        record: as there.
        capabilities: of the helper container.
    """

    def __init__(
        self,
        directory: Path,
        token: str,
        record: Recorder,
        capabilities: tuple[str, ...] = CAPABILITIES,
    ) -> None:
        super().__init__(directory, token, record)
        self._capabilities = capabilities
        self._captures: Path | None = None
        self.libkeepalive = str(LIBKEEPALIVE)
        self._client: docker.DockerClient | None = None
        self._containers: Containers
        self._helper: Attached | None = None
        self._said = b""
        self._over = False
        self._subjects: dict[tuple[str, str], _Subject] = {}
        self._pause_containers: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> DockerLab:
        try:
            await self._open()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _open(self) -> None:
        self._client = await asyncio.to_thread(connect)
        await asyncio.to_thread(garbage.collect_garbage, self._client)
        self._containers = Containers(self._client, self._capabilities)
        container = await _whole(self._containers.helper)
        self._helper = await attach(container)
        await _whole(self._containers.start, container, "the helper container")
        self._spawn(self._listen(self._helper))
        await self._wait_ready("the helper container does not work")
        self.origin = time.monotonic()
        origin = self.origin + await self._clock_offset()
        await self._ask("begin", origin=origin, token=self._token, directory=str(HOSTS))

    async def _clock_offset(self) -> float:
        """What the clock of the engine's host is ahead of ours, seconds.

        Of several answers the quickest is the most exact; its error is at most half its time.
        """
        found = []
        for _ in range(_PINGS):
            asked = time.monotonic()
            theirs = float(await self._ask("clock"))
            took = time.monotonic() - asked
            found.append((took, theirs - asked - took / 2))
        return min(found)[1]

    async def __aexit__(self, *_: object) -> None:
        if self._client is None:
            return
        self._over = True
        try:
            if self._helper is not None:
                await asyncio.to_thread(self._collect)
        finally:
            for streams in (self._helper, *(each.streams for each in self._subjects.values())):
                if streams is not None:
                    await streams.close()
            await self._peer.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if hasattr(self, "_containers"):
                await asyncio.to_thread(self._containers.remove)
            self._client.close()

    def _collect(self) -> None:
        self._containers.end()
        self._containers.collect(HOSTS, self._directory)
        if self._captures is not None:
            self._containers.collect(CAPTURES, self._captures)

    @property
    def run(self) -> str:
        """The run's id, which everything of it carries as a label."""
        return self._containers.run

    def host_directory(self, host: str) -> Path:
        """Where the lab keeps what the programs of a host say, as they see it."""
        return Path(HOSTS / host)

    def disk(self, host: str) -> Path:
        """Where the programs of a host have their files, as they see it."""
        return Path(HOSTS / host / "disk")

    def sockets(self, host: str) -> Path:
        """Where the agent, too, finds the Unix sockets of a host's programs."""
        return self.host_directory(host)

    async def build(
        self,
        paths: Sequence[Sequence[str]],
        networks: Mapping[str, HostNetwork],
        middleboxes: Mapping[str, Middlebox],
        sysctls: Mapping[str, Mapping[str, str]],
        demands: Demands,
    ) -> None:
        """As in the netns lab, after a container for each endpoint was made."""
        endpoints = [name for name in networks if name not in middleboxes and not is_junction(name)]
        pids = await asyncio.gather(
            *(_whole(self._containers.pause_container, name) for name in endpoints)
        )
        self._pause_containers = dict(zip(endpoints, pids, strict=True))
        await super().build(paths, networks, middleboxes, sysctls, demands)

    async def capture(self, directory: Path) -> None:
        """Write from now on what each link carries; the files come here at the end of the run."""
        self._captures = directory
        await super().capture(Path(CAPTURES))

    async def _ask(self, do: str, *, patience: float = 0.0, **arguments: Any) -> Any:
        if do == "build":
            arguments["pause_containers"] = self._pause_containers
        return await super()._ask(do, patience=patience, **arguments)

    def _write(self, line: bytes) -> None:
        assert self._helper is not None
        self._helper.send(line)

    def _stderr_tail(self) -> str:
        return self._said.decode(errors="replace").strip() or "no output"

    async def _listen(self, streams: Attached) -> None:
        """Take what the agent says until it is gone."""
        while (piece := await streams.read()) is not None:
            stream, data = piece
            if stream == STDOUT:
                self._peer.take(data)
            else:
                self._said = (self._said + data)[-_LAST_WORDS:]
        self._hung_up()

    def on_record(self, message: Message) -> None:
        """As in the netns lab; what happens while the lab closes is not recorded."""
        if not self._over:
            super().on_record(message)

    async def do_run(self, call: Message) -> int:
        """Start a container for `program` on `host`; returns its pid."""
        host, spec = call["host"], program_from_json(call["program"])
        before = self._subjects.pop((host, spec.name), None)
        if before is not None:
            await before.streams.close()
        container = await _whole(self._containers.subject, host, spec, reads=call["reads"])
        streams = await attach(container)
        what = f"{spec.name} on {host}"
        output = asyncio.create_task(self._relay(streams, host, spec.name))
        self._subjects[host, spec.name] = _Subject(streams, output)
        self._tasks.add(output)
        return await _whole(self._containers.start, container, what)

    async def _relay(self, streams: Attached, host: str, program: str) -> None:
        """Bring a subject's output to the agent, who keeps it where the other files are."""
        while (piece := await streams.read()) is not None:
            stream, data = piece
            self._peer.notify(
                "said",
                host=host,
                program=program,
                stream="out" if stream == STDOUT else "log",
                data=data.decode("utf-8", "surrogateescape"),
            )
            if self._helper is not None:
                await self._helper.drain()

    async def do_write(self, call: Message) -> bool:
        """Write `data` to standard input of a program; whether it took it."""
        try:
            await self._subjects[call["host"], call["program"]].streams.write(call["data"].encode())
        except ConnectionError:
            return False
        return True

    async def do_close(self, call: Message) -> None:
        """End of file on standard input of a program."""
        self._subjects[call["host"], call["program"]].streams.close_input()

    async def do_status(self, call: Message) -> int:
        """The exit status of a program, once all that it wrote has been brought."""
        host, program = call["host"], call["program"]
        status = await asyncio.to_thread(self._containers.status, host, program)
        # Its last words come first.
        await asyncio.wait({self._subjects[host, program].output}, timeout=_OUTPUT_DRAINS_S)
        return status

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _whole(work: Callable[..., T], *arguments: Any, **more: Any) -> T:
    """What `work` returns, which goes on in a thread until it is done, whoever gives up waiting.

    Else an interrupted run would remove its containers while one more is being made.
    """
    task = asyncio.create_task(asyncio.to_thread(work, *arguments, **more))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


class _Subject:
    """A program's container while it runs: its streams, and who reads them."""

    def __init__(self, streams: Attached, output: asyncio.Task[None]) -> None:
        self.streams = streams
        self.output = output
