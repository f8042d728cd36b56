"""The programs of a scenario, what they read, write and say."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol

from halfopen.errors import LabError, UnsupportedError
from halfopen.labs.agent.environment import LaunchEnvironment, with_preloads
from halfopen.labs.agent.feeding import Feeder
from halfopen.labs.agent.file_changes import FileChanges
from halfopen.labs.agent.follower import Follower as Follower
from halfopen.labs.agent.gauges import open_gauge
from halfopen.labs.agent.inlets import Stream, open_inlet
from halfopen.labs.agent.network import NAMESPACES
from halfopen.labs.agent.outputs import Output, Words, collect_ledger
from halfopen.labs.agent.readiness import Watch
from halfopen.labs.agent.rhythm import STEADY, Rhythm
from halfopen.model.program import ProgramSpec
from halfopen.model.records import (
    AcceptedRecord,
    AckedRecord,
    ProcessRecord,
    Recorder,
)
from halfopen.probes.cpu import stalled, waited
from halfopen.workloads.numbered import Messages

_POLL_S = 0.05
_LAST_WORDS = 500
_MOST = 3.0
"""A program that gets no processor has so many times longer to end, at most."""


class Running(Protocol):
    """A process that was started, as :class:`asyncio.subprocess.Process` shows it."""

    @property
    def pid(self) -> int:
        """Its process id as the sandbox sees it."""

    @property
    def returncode(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""

    @property
    def stdin(self) -> Stream | None:
        """Its standard input, if that is a pipe."""

    async def wait(self) -> int:
        """Wait for its end; returns its exit status."""


class Program:
    """One running program on one host.

    Args:
        host: where it runs.
        spec: what it is.
        directory: for its standard output and error.
        messages: of the run.
        emit: takes the records.
        follow: the reader of a file; one for each file, so that a program that is started again
            does not bring up what the one before it wrote.
        rhythm: of the looks at its files.

    Attributes:
        environment: what it is started with beside what it asks for.
    """

    def __init__(
        self,
        host: str,
        spec: ProgramSpec,
        directory: Path,
        messages: Messages,
        emit: Recorder,
        follow: Callable[[Path], Follower],
        rhythm: Rhythm = STEADY,
    ) -> None:
        self.host = host
        self.name = spec.name
        self.spec = spec
        self._directory = directory
        self._messages = messages
        messages.rewritten |= spec.rewrites
        self._emit = emit
        self._rhythm = rhythm
        self._end_asked = False
        self._forced = False
        self._process: Running | None = None
        self._ledger = follow(Path(spec.ledger)) if spec.ledger else None
        self._output: Output | None = None
        if spec.output:
            lines = follow(Path(spec.output))
            self._output = Output(host, lines, spec.framing, messages, emit)
        # A standard output that holds messages holds no words.
        self._words = [
            Words(host, self.name, source, follow(path), emit, self._heard)
            for source, path in self._streams().items()
            if str(path) != spec.output
        ]
        self._gauges = [
            open_gauge(host, spec.name, kind, Path(p), directory, follow(Path(p)))
            for p, kind in spec.probes.items()
        ]
        self.environment = LaunchEnvironment()
        self._first_limits: dict[int, int] = {}
        self._watch = (
            Watch(spec.ready, host, directory / f"{spec.name}.log") if spec.ready else None
        )
        self._feeder: Feeder | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def _streams(self) -> dict[str, Path]:
        """Where its words go; what it also writes to a log file is not recorded twice."""
        if "said" in self.spec.probes.values():
            return {}
        return {
            "standard error": self._directory / f"{self.name}.log",
            "standard output": self._directory / f"{self.name}.out",
        }

    @property
    def pid(self) -> int | None:
        """Its process id in the sandbox, while it runs."""
        if self._process is None or self._process.returncode is not None:
            return None
        return self._process.pid

    async def start(self) -> int:
        """Write its files and start it in its host's namespace; returns its pid.

        Raises:
            LabError: if it cannot be started.
        """
        self._prepare_files()
        feed = self.spec.feed
        self._process = await self.launch(reads=feed is not None and feed.kind == "stdin")
        if feed is not None:
            inlet = open_inlet(feed, self.host, self._process.stdin)
            self._feeder = Feeder(inlet, self._messages, self._emit)
        started = self._record("started")
        started["heard"] = [words.source for words in self._words] or ["log file"]
        self._emit(started)
        if self._ledger is not None:
            # An empty record says that there is a ledger, if nothing ever stands in it.
            self._emit(AcceptedRecord(kind="accepted", host=self.host, seqs=[]))
            if self.spec.acks:
                self._emit(AckedRecord(kind="acked", host=self.host, seqs=[]))
        self._spawn(self._wait())
        self._spawn(self._follow())
        return self._process.pid

    async def launch(self, *, reads: bool) -> Running:
        """Start the process itself; `reads`: it is fed on its standard input."""
        with (
            (self._directory / f"{self.name}.log").open("ab") as log,
            (self._directory / f"{self.name}.out").open("ab") as out,
        ):
            # nsenter replaces itself by setpriv and that by the program: the pid stays the same.
            process = await asyncio.create_subprocess_exec(
                "nsenter",
                f"--net={NAMESPACES / self.host}",
                *self.environment.command(self.spec.directory or str(Path.cwd())),
                *self.spec.argv,
                stdin=asyncio.subprocess.PIPE if reads else asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                env=with_preloads({**os.environ, **self.spec.env}, self.environment.env),
                cwd=self.spec.directory,
                start_new_session=True,
            )
        if process.stdin is not None:
            # What is in our own buffer is not in the program's input yet.
            process.stdin.transport.set_write_buffer_limits(high=0)
        return process

    def _prepare_files(self) -> None:
        for name in self.spec.stale_files:
            Path(name).unlink(missing_ok=True)
        for name, text in self.spec.files.items():
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if text or not path.exists():  # what is to be there, empty, is not emptied again
                path.write_text(text, encoding="utf-8")

    async def wait_ready(self, timeout: float) -> None:
        """Wait until it can work.

        Raises:
            LabError: if it ends before, or takes longer than `timeout` seconds.
        """
        if self._watch is None:
            return
        waiting = asyncio.create_task(self._watch.wait())
        assert self._process is not None
        ended = asyncio.create_task(self._process.wait())
        done, _ = await asyncio.wait(
            {waiting, ended}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
        )
        for task in (waiting, ended):
            task.cancel()
        if waiting not in done:
            what = "ended" if ended in done else f"was not ready within {timeout:g} s"
            raise LabError(f"{self.name} on {self.host} {what}; its output:\n{self.stderr_tail()}")
        waiting.result()
        self._emit(self._record("ready"))

    def stderr_tail(self) -> str:
        """The end of its standard error, for an error message."""
        path = self._directory / f"{self.name}.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        return text[-2000:] or "(nothing)"

    def feeder(self) -> Feeder:
        """Feeds it.

        Raises:
            LabError: if it takes no messages at all, or is gone.
        """
        if self._feeder is None:
            raise LabError(f"{self.name} on {self.host} takes no messages")
        if self.pid is None and self._feeder.inlet.dies_with_program:
            raise LabError(f"{self.name} on {self.host} is not running: it takes no messages")
        return self._feeder

    def signal(self, name: str) -> None:
        """Send a signal (KILL, TERM, STOP, CONT) to the program and its descendants, if alive."""
        if name in ("KILL", "TERM"):
            self._end_asked = True
        if self.pid is not None:
            # It may be gone already, and asyncio not have told so yet.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, getattr(signal, f"SIG{name}"))

    def limit(self, kind: int, unit: str, limit: int | None) -> None:
        """Set a soft limit (setrlimit(2)); None sets it to what it was at first.

        A program that is gone, or was started again, has no limit to be taken back.

        Raises:
            LabError: if the program is gone.
            UnsupportedError: if the limit is above its hard one.
        """
        if limit is None and (kind not in self._first_limits or self.pid is None):
            return
        if self.pid is None:
            raise LabError(f"{self.name} on {self.host} is not running: it cannot be limited")
        try:
            soft, hard = resource.prlimit(self.pid, kind)
            if limit is not None and hard != resource.RLIM_INFINITY and limit > hard:
                raise UnsupportedError(
                    f"{self.name} on {self.host} may have {hard} {unit} at most (hard limit), "
                    f"not {limit}"
                )
            first = self._first_limits.setdefault(kind, soft)
            wanted = first if limit is None else limit
            resource.prlimit(self.pid, kind, (wanted, hard))
        except (ValueError, ProcessLookupError) as error:
            raise LabError(f"{self.host}: {limit} {unit}: {error}") from error

    async def stop(self, timeout: float) -> None:
        """Ask it to end, and make it after `timeout` seconds of a machine that has time."""
        if self._process is None:
            return
        if self._feeder is not None:
            self._feeder.inlet.close()
        self.signal("CONT")
        self.signal("TERM")
        if not await self.ended_within(timeout):
            self._forced = True
            self.signal("KILL")
            await self._process.wait()
        self.collect()

    async def ended_within(self, seconds: float) -> bool:
        """Wait for its end; returns whether it came.

        Args:
            seconds: that it may take, not counting those in which it waited for a processor, or
                the machine for a disk.
        """
        if self._process is None:
            return True
        ended = asyncio.create_task(self._process.wait())
        pid, begun = self._process.pid, time.monotonic()
        before = late = (waited(pid) or 0.0) + (stalled("io") or 0.0)
        while (
            left := begun + seconds + min(late - before, _MOST * seconds) - time.monotonic()
        ) > 0:
            if (await asyncio.wait({ended}, timeout=left))[0]:
                return True
            late = max(late, (waited(pid) or 0.0) + (stalled("io") or 0.0))
        ended.cancel()
        return False

    def collect(self, *, ended: bool = False) -> None:
        """Record what it wrote since the last call; if it `ended`, also half a line."""
        for words in self._words:
            words.collect(ended=ended)
        if self._ledger is not None:
            fed = [] if self._feeder is None else self._feeder.written
            collect_ledger(self.host, self._ledger.lines(), fed, self._emit)
        if self._output is not None:
            self._output.collect()
        for gauge in self._gauges:
            for record in gauge.read():
                self._emit(record)

    def _heard(self, event: object) -> None:
        if self._watch is not None:
            self._watch.see(event)

    async def _follow(self) -> None:
        # Not beyond its end: what a successor writes to the same files is the successor's.
        if self._rhythm.by_events:
            await self._follow_changes()
        while self.pid is not None:
            self.collect()
            await asyncio.sleep(_POLL_S)

    async def _follow_changes(self) -> None:
        """As the steady pace sees it, but only after something was written, and ever rarer."""
        spec = self.spec
        files = [name for name in (spec.ledger, spec.output) if name]
        places = {self._directory, *(Path(name).parent for name in files)}
        places |= {each for name in spec.probes for each in (Path(name), Path(name).parent)}
        changes, pause = FileChanges(sorted(places)), _POLL_S
        try:
            while self.pid is not None:
                self.collect()
                heard = await changes.wait(pause)
                pause = _POLL_S if heard else self._rhythm.next(pause)
                if heard:  # no more often than at the steady pace
                    await asyncio.sleep(_POLL_S)
        finally:
            changes.close()

    async def _wait(self) -> None:
        assert self._process is not None
        status = await self._process.wait()
        self.collect(ended=True)
        end = self._record("exited")
        end["status"], end["asked"] = status, self._end_asked
        if self._forced:
            end["forced"] = True
        if not self._end_asked or self._forced:
            end["words"] = self.stderr_tail()[-_LAST_WORDS:]
        self._emit(end)

    def _record(self, state: Literal["started", "ready", "exited"]) -> ProcessRecord:
        assert self._process is not None
        return ProcessRecord(
            kind="process",
            host=self.host,
            process=self.name,
            pid=self._process.pid,
            state=state,
        )

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
