"""Outside: the netns lab as the runner sees it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from halfopen.errors import UnsupportedError
from halfopen.labs.netns import sandbox
from halfopen.labs.netns.actions import all_actions
from halfopen.labs.netns.boxes import ENGINES
from halfopen.labs.netns.client import LINE_LIMIT, START_TIMEOUT_S, AgentLab
from halfopen.ports import LabSpec, Recorder
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
        self._process: asyncio.subprocess.Process | None = None
        self._said: IO[bytes] | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> NetnsLab:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __aexit__
        self._process = await asyncio.create_subprocess_exec(
            *sandbox.agent_command(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._said,
            env=sandbox.environment(),
            limit=LINE_LIMIT,
            start_new_session=True,  # Ctrl-C is for us: we end the run in order
        )
        assert self._process.stdout is not None
        try:
            hello = await asyncio.wait_for(self._process.stdout.readline(), START_TIMEOUT_S)
        except TimeoutError:
            hello = b""
        if not hello:
            reason = self._last_words()
            await self.__aexit__()
            raise UnsupportedError(f"no sandbox could be started: {reason}")
        self._reader = asyncio.create_task(self._read(self._process.stdout))
        self.origin = time.monotonic()
        await self._ask(
            "begin", origin=self.origin, token=self._token, directory=str(self._directory)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._said is not None:
            self._said.close()

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

    async def _send(self, line: bytes) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(line)
        await self._process.stdin.drain()

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self._hear(json.loads(line))
        self._hung_up()

    def _last_words(self) -> str:
        assert self._said is not None
        self._said.seek(0)
        return self._said.read()[-3000:].decode(errors="replace").strip() or "(it said nothing)"


def _lacks(verb: type[Verb]) -> Sequence[str]:
    return all_actions()[verb].lacks()


LAB = LabSpec(
    name="netns",
    summary="network namespaces of an ordinary user: the kernel's own TCP and conntrack, real time",
    scaled=True,
    verbs=frozenset(all_actions()),
    missing=sandbox.missing,
    open=NetnsLab,
    lacks=_lacks,
    engines={engine.name: engine.verbs for engine in ENGINES},
    captures=True,
)
