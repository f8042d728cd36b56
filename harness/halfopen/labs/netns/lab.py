"""The netns lab as the runner sees it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from halfopen.labs.agent.actions import all_actions
from halfopen.labs.agent.engines import ENGINES
from halfopen.labs.client import AgentLab
from halfopen.labs.netns import sandbox
from halfopen.labs.netns.zygote_client import SandboxProcess, shared_zygote
from halfopen.model.records import Recorder
from halfopen.ports import LabSpec
from halfopen.verbs import Verb


class NetnsLab(AgentLab):
    """One sandbox with the hosts of one run.

    An asynchronous context manager: leaving it, or dying, takes everything away.

    Args:
        directory: for the programs' files; made if it is not there.
        token: identity of the run's messages, see :mod:`halfopen.workloads.numbered`.
        record: called with every record, stamped with lab time.
    """

    def __init__(self, directory: Path, token: str, record: Recorder) -> None:
        super().__init__(directory, token, record)
        self._zygote = contextlib.ExitStack()
        self._sandbox: SandboxProcess | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> NetnsLab:
        self._directory.mkdir(parents=True, exist_ok=True)
        try:
            await self._begin()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _begin(self) -> None:
        zygote = self._zygote.enter_context(shared_zygote())
        self._sandbox = await zygote.fork()
        self._reader = asyncio.create_task(self._read(self._sandbox))
        await self._wait_ready("the sandbox could not be started")
        self.origin = time.monotonic()
        await self._ask(
            "begin", origin=self.origin, token=self._token, directory=str(self._directory)
        )

    async def __aexit__(self, *_: object) -> None:
        with self._zygote:
            if self._reader is not None:
                self._reader.cancel()
                await asyncio.gather(self._reader, return_exceptions=True)
            if self._sandbox is not None:
                await self._sandbox.end()

    def host_directory(self, host: str) -> Path:
        """Where the lab keeps what the programs of a host say."""
        path = self._directory / host
        path.mkdir(parents=True, exist_ok=True)
        return path

    def disk(self, host: str) -> Path:
        """Where the programs of a host have their files."""
        path = self.host_directory(host) / "disk"
        path.mkdir(exist_ok=True)
        return path

    def _write(self, line: bytes) -> None:
        assert self._sandbox is not None
        self._sandbox.send(line)

    async def _read(self, agent: SandboxProcess) -> None:
        try:
            while data := await agent.receive():
                self._peer.take(data)
        finally:  # nobody may wait for an answer that nobody reads
            self._hung_up()

    def _stderr_tail(self) -> str:
        assert self._sandbox is not None
        self._sandbox.said.seek(0)
        text = self._sandbox.said.read()[-3000:].decode(errors="replace").strip()
        return text or "no output"


def _lacks(verb: type[Verb]) -> Sequence[str]:
    return all_actions()[verb].lacks()


LAB = LabSpec(
    name="netns",
    summary=(
        "each host is a network namespace; the kernel's TCP and conntrack, in real time; "
        "needs no root"
    ),
    scaled=True,
    verbs=frozenset(all_actions()),
    missing=sandbox.missing,
    open=NetnsLab,
    lacks=_lacks,
    engines={engine.name: engine.verbs for engine in ENGINES},
    captures=True,
)
