"""Asks an agent in a sandbox to do what the runner wants, and takes its records."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Any

from halfopen.errors import UnsupportedError
from halfopen.labs.rpc import Message, Peer
from halfopen.model.effects import Touched, touched_from_json
from halfopen.model.messages import DEFAULT, MessageShape, feeding_s
from halfopen.model.records import Recorder
from halfopen.model.topology import HostNetwork
from halfopen.ports import Demands, Middlebox, ProgramSpec
from halfopen.verbs import Verb, verb_to_json

START_TIMEOUT_S = 60.0

_HOST_S = 2.0
"""Seconds that the making of one host may take: a middlebox in user space is a process."""


class AgentLab(ABC):
    """A lab whose work is done by an agent (:mod:`halfopen.labs.agent.agent`), wherever that is.

    Args:
        directory: for the programs' files; made if it is not there.
        token: identity of the run's messages, see :mod:`halfopen.workloads.numbered`.
        record: called with every record, stamped with lab time.
    """

    def __init__(self, directory: Path, token: str, record: Recorder) -> None:
        self._directory = directory.resolve()
        self._token = token
        self._record = record
        self._peer = Peer(self, self._write, lambda: f"the sandbox died: {self._stderr_tail()}")
        self._ready: Future[None] = Future()
        self.origin = 0.0
        self.libkeepalive: str | None = None

    @abstractmethod
    def _write(self, line: bytes) -> None:
        """Write one line to the agent.

        Raises:
            ConnectionError: if it is gone.
        """

    @abstractmethod
    def _stderr_tail(self) -> str:
        """What the agent said on standard error."""

    def now(self) -> float:
        """Seconds of lab time since the run began."""
        return time.monotonic() - self.origin

    def sockets(self, host: str) -> Path:  # noqa: ARG002 - of other labs each host has its own
        """Where programs of a host make the Unix sockets that they are fed through.

        The path of a socket has 107 bytes at most (unix(7)), and directories of runs have long
        names; /run is the sandbox's own.
        """
        return Path("/run")

    async def build(
        self,
        paths: Sequence[Sequence[str]],
        networks: Mapping[str, HostNetwork],
        middleboxes: Mapping[str, Middlebox],
        sysctls: Mapping[str, Mapping[str, str]],
        demands: Demands,
    ) -> None:
        """Make the hosts, links and rules.

        Args:
            paths: host names of each in their order.
            networks: interfaces and routes of each.
            middleboxes: values of their profiles; `engine` among them if it must be that one.
            sysctls: of the hosts.
            demands: the kinds of verbs that will be asked of each host.

        Raises:
            UnsupportedError: if a profile needs what this lab's engine cannot do.
            LabError: if the kernel refuses something.
        """
        await self._ask(
            "build",
            patience=_HOST_S * len(networks),
            paths=[list(path) for path in paths],
            networks={name: asdict(network) for name, network in networks.items()},
            firewalls={name: _without_engine(values) for name, values in middleboxes.items()},
            engines={name: values.get("engine", "any") for name, values in middleboxes.items()},
            demands={name: sorted(v.__name__ for v in verbs) for name, verbs in demands.items()},
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
        self,
        host: str,
        first: int,
        count: int,
        every: float = 0.0,
        background: bool = False,
        form: MessageShape = DEFAULT,
    ) -> None:
        """Write messages `first`, `first` + 1, ... to where the program takes them.

        Returns early if it does not read them; what is left is written when it does.
        """
        await self._ask(
            "feed",
            patience=feeding_s(count, every),
            host=host,
            first=first,
            count=count,
            every=every,
            background=background,
            form=asdict(form),
        )

    async def fed(self, patience: float) -> list[str]:
        """Wait until what is fed is written; returns a sentence for each step that is not.

        Args:
            patience: seconds that it may take, if programs go on reading.
        """
        return list(await self._ask("fed", patience=patience))

    async def stop(self, host: str, timeout: float = 5.0) -> None:
        """End a host's program: SIGTERM, after `timeout` seconds SIGKILL."""
        await self._ask("stop", patience=timeout, host=host, timeout=timeout)

    async def apply(self, verb: Verb) -> Touched:
        """Do a verb now; returns what it touched at once.

        Raises:
            UnsupportedError: if this lab does not support it.
        """
        answer = await self._ask("apply", patience=verb.duration_s, verb=verb_to_json(verb))
        return touched_from_json(answer)

    async def touched(self, verb: Verb) -> Touched:
        """What a verb that was applied and goes on has touched so far; nothing once it is over."""
        return touched_from_json(await self._ask("touched", verb=verb_to_json(verb)))

    async def capture(self, directory: Path) -> None:
        """Write from now on what each link carries into a file in `directory` (absolute, there)."""
        await self._ask("capture", directory=str(directory))

    async def sample(self) -> None:
        """Record the state of all hosts now; all of it is recorded when this returns."""
        await self._ask("sample")

    async def finish(self) -> None:
        """Take the last samples; after this nothing more is recorded."""
        await self._ask("finish")

    async def _ask(self, do: str, *, patience: float = 0.0, **arguments: Any) -> Any:
        return await self._peer.call(do, within=START_TIMEOUT_S + patience, **arguments)

    def on_ready(self, _: Message) -> None:
        """The agent takes requests from now on."""
        if not self._ready.done():
            self._ready.set_result(None)

    def on_record(self, message: Message) -> None:
        """`record`: what the agent has seen."""
        self._record(message["record"])

    async def _wait_ready(self, problem: str) -> None:
        """Wait until the agent takes requests.

        Raises:
            UnsupportedError: if it does not: `problem`, and what it said.
        """
        try:
            await asyncio.wait_for(asyncio.wrap_future(self._ready), START_TIMEOUT_S)
        except (TimeoutError, EOFError):
            raise UnsupportedError(f"{problem}: {self._stderr_tail()}") from None

    def _hung_up(self) -> None:
        """The agent says no more: nobody waits any longer."""
        if not self._ready.done():
            self._ready.set_exception(EOFError())
        self._peer.end()


def _without_engine(values: Middlebox) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != "engine"}
