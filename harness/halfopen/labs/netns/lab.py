"""Outside: the netns lab as the runner sees it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from halfopen.errors import LabError, UnsupportedError
from halfopen.labs.netns import sandbox
from halfopen.labs.netns.actions import all_actions
from halfopen.model.topology import HostNetwork
from halfopen.ports import LabSpec, Middlebox, ProgramSpec, Recorder
from halfopen.verbs import Verb, verb_to_json

_START_TIMEOUT_S = 60.0
_LINE_LIMIT = 1 << 26


class NetnsLab:
    """One sandbox with the hosts of one run.

    An asynchronous context manager: leaving it, or dying, takes everything away.

    Args:
        directory: for the programs' files; made if it is not there.
        token: identity of the run's messages, see :mod:`halfopen.workloads.numbered`.
        record: called with every record, stamped with lab time.
    """

    def __init__(self, directory: Path, token: str, record: Recorder) -> None:
        self._directory = directory.resolve()
        self._token = token
        self._record = record
        self._process: asyncio.subprocess.Process | None = None
        self._said: IO[bytes] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._next = 0
        self._programs: set[str] = set()
        self.origin = 0.0

    async def __aenter__(self) -> NetnsLab:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __aexit__
        self._process = await asyncio.create_subprocess_exec(
            *sandbox.agent_command(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._said,
            env=sandbox.environment(),
            limit=_LINE_LIMIT,
            start_new_session=True,  # Ctrl-C is for us: we end the run in order
        )
        assert self._process.stdout is not None
        try:
            hello = await asyncio.wait_for(self._process.stdout.readline(), _START_TIMEOUT_S)
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

    def now(self) -> float:
        """Seconds of lab time since the run began."""
        return time.monotonic() - self.origin

    def host_directory(self, host: str) -> Path:
        """Where the programs of a host have their files."""
        path = self._directory / host
        path.mkdir(parents=True, exist_ok=True)
        return path

    async def build(
        self,
        path: Sequence[str],
        networks: Mapping[str, HostNetwork],
        middleboxes: Mapping[str, Middlebox],
        sysctls: Mapping[str, Mapping[str, str]],
        demands: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """Make the hosts, links and rules.

        Args:
            path: host names in their order.
            networks: interfaces and routes of each.
            middleboxes: values of their profiles; `engine` among them if it must be that one.
            sysctls: of the hosts.
            demands: names of the verbs that will be asked of each middlebox.

        Raises:
            UnsupportedError: if a profile needs what this lab's engine cannot do.
            LabError: if the kernel refuses something.
        """
        await self._ask(
            "build",
            path=list(path),
            networks={name: asdict(network) for name, network in networks.items()},
            firewalls={name: _without_engine(values) for name, values in middleboxes.items()},
            engines={name: values.get("engine", "any") for name, values in middleboxes.items()},
            demands={name: sorted(verbs) for name, verbs in (demands or {}).items()},
            sysctls={name: dict(settings) for name, settings in sysctls.items()},
        )

    async def start(
        self, host: str, program: ProgramSpec, timeout: float = 30.0, *, keep: bool = False
    ) -> int:
        """Start a program on a host; returns its pid when it is ready to work.

        Args:
            host: where.
            program: what.
            timeout: seconds until it must be ready.
            keep: if it runs already, it is left running.

        Raises:
            LabError: if it ends before, or takes longer than `timeout` seconds; with its output.
        """
        self._programs.add(host)
        result = await self._ask(
            "start",
            patience=timeout,
            host=host,
            program=asdict(program),
            timeout=timeout,
            keep=keep,
        )
        return int(result)

    async def feed(
        self, host: str, first: int, count: int, every: float = 0.0, background: bool = False
    ) -> None:
        """Write messages `first`, `first` + 1, ... to where the program takes them."""
        patience = count * every
        await self._ask(
            "feed",
            patience=patience,
            host=host,
            first=first,
            count=count,
            every=every,
            background=background,
        )

    async def fed(self, patience: float) -> None:
        """Wait until what is fed in the background is written, `patience` seconds at most."""
        await self._ask("fed", patience=patience)

    async def stop(self, host: str, timeout: float = 5.0) -> None:
        """End a host's program: SIGTERM, after `timeout` seconds SIGKILL."""
        await self._ask("stop", patience=timeout, host=host, timeout=timeout)

    async def apply(self, verb: Verb) -> list[str]:
        """Do a verb now; returns the flows that it touched, as `client > server`.

        Raises:
            UnsupportedError: if this lab cannot do it.
        """
        return list(await self._ask("apply", verb=verb_to_json(verb)))

    async def sample(self) -> None:
        """Record the state of all hosts now; all of it is recorded when this returns."""
        await self._ask("sample")

    async def finish(self) -> None:
        """Take the last samples; after this nothing more is recorded."""
        await self._ask("finish")

    async def _ask(self, do: str, *, patience: float = 0.0, **arguments: Any) -> Any:
        assert self._process is not None and self._process.stdin is not None
        self._next += 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[self._next] = answer
        request = {"id": self._next, "do": do, **arguments}
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            await self._process.stdin.drain()
            return await asyncio.wait_for(answer, _START_TIMEOUT_S + patience)
        except (BrokenPipeError, ConnectionResetError):
            raise LabError(f"the sandbox died: {self._last_words()}") from None
        except TimeoutError:
            raise LabError(f"the sandbox did not answer the request {do!r} in time") from None

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            message = json.loads(line)
            if "record" in message:
                self._record(message["record"])
                continue
            answer = self._waiting.pop(message["id"], None)
            if answer is None or answer.done():
                continue
            if "error" in message:
                kind = UnsupportedError if message["type"] == "unsupported" else LabError
                answer.set_exception(kind(message["error"]))
            else:
                answer.set_result(message["result"])
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(LabError(f"the sandbox died: {self._last_words()}"))

    def _last_words(self) -> str:
        assert self._said is not None
        self._said.seek(0)
        return self._said.read()[-3000:].decode(errors="replace").strip() or "(it said nothing)"


def _without_engine(values: Middlebox) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != "engine"}


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
)
