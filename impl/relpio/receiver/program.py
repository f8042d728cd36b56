"""An output that feeds a program's standard input, as rsyslog's omprog does.

Without confirmation a message counts as written when it is in the pipe: what the program has not
read when it dies is lost. With confirmation (`confirmMessages` of omprog) a message counts when the
program confirms it: it writes the line `OK` once when it is ready, then once for each message.

A program that ends, or answers anything else, is started again after a pause that doubles from one
second to a minute. It gets everything that is not confirmed, in the first order; what it has dealt
with and not confirmed comes a second time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from asyncio.subprocess import DEVNULL, Process
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial

from relpio.errors import ConfigurationError
from relpio.logs import Log
from relpio.receiver.output import FileOutput

__all__ = ["ProgramOutput"]

KILLED_S = 10.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
_LONGEST_ANSWER = 4096
_SHOWN = 80


class _Item:
    """Messages on their way to the program."""

    __slots__ = ("data", "left", "on_written")

    def __init__(self, data: bytes, on_written: Callable[[], None]) -> None:
        self.data = data
        self.on_written = on_written
        self.left = data.count(b"\n")  # messages that are not confirmed

    def drop_confirmed(self) -> None:
        """Keep what is to be written again."""
        confirmed = self.data.count(b"\n") - self.left
        self.data = self.data.split(b"\n", confirmed)[confirmed]


class ProgramOutput:
    """Writes to one process after the other. In use it is `start`ed first and `stop`ped last."""

    def __init__(self, command: Sequence[str], log: Log, *, confirm: bool = False) -> None:
        """Run `command`, a program and its arguments. `confirm` needs one line for each message.

        Raises:
            ConfigurationError: there is no program.
        """
        if not command:
            raise ConfigurationError("the program of the output has no name")
        self._command = list(command)
        self._log = log
        self._confirm = confirm
        self._items: deque[_Item] = deque()  # neither written nor, with `confirm`, confirmed
        self._pipe: FileOutput | None = None
        self._process: Process | None = None
        self._progress = False
        self._failing = False
        self._task: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self.starts = 0
        self.errors = 0  # lives of the program that ended, and starts that failed
        self.broken: asyncio.Future[OSError] = asyncio.get_running_loop().create_future()

    @property
    def failing(self) -> bool:
        """The program has ended, and no message has got through since."""
        return self._failing

    def start(self) -> None:
        """Start the program, and go on doing so."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def submit(self, data: bytes, on_written: Callable[[], None]) -> None:
        """Give `data` to the program; then call `on_written`."""
        item = _Item(data, on_written)
        self._items.append(item)
        self._idle.clear()
        if self._pipe is not None:
            self._give(self._pipe, item)

    async def flushed(self) -> None:
        """Wait until the program has everything."""
        await self._idle.wait()

    async def stop(self, timeout: float) -> None:
        """Close the program's input, wait for its end, and end it after `timeout` seconds."""
        process = self._process
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if process is None:
            return
        for end, patience in (
            (None, timeout),
            (process.terminate, timeout),
            # A busy machine takes its time to bury what is dead.
            (process.kill, max(timeout, KILLED_S)),
        ):
            if end is not None:
                with contextlib.suppress(ProcessLookupError):
                    end()
            try:
                async with asyncio.timeout(patience):
                    await process.wait()
                return
            except TimeoutError:
                continue

    def _give(self, pipe: FileOutput, item: _Item) -> None:
        pipe.submit(item.data, partial(self._given, item))

    def _given(self, item: _Item) -> None:
        self._progress = True
        if not self._confirm:
            assert self._items[0] is item  # a pipe keeps the order
            self._done()

    def _done(self) -> None:
        self._items.popleft().on_written()
        if self._failing:
            self._failing = False
            self._log("output-recovered")
        if not self._items:
            self._idle.set()

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            self._progress = False
            try:
                detail = await self._serve()
            except OSError as error:
                detail = str(error)
            pause = FIRST_PAUSE if self._progress else pause
            self._failing = True
            self.errors += 1
            self._log("output-error", detail=f"{self._command[0]}: {detail}", retry_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _serve(self) -> str:
        """Start the program, feed it until it ends, and return what was wrong with it."""
        async with AsyncExitStack() as stack:
            ours, answers = await self._spawn(stack)
            process = self._process
            assert process is not None
            pipe = FileOutput(ours, self._log, exclusive=True)
            tasks = [asyncio.ensure_future(_end_of(process)), asyncio.ensure_future(_broken(pipe))]
            if answers is None:
                self._feed(pipe)
            else:
                tasks.append(asyncio.ensure_future(self._read_answers(answers, pipe)))
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                return next(task for task in tasks if task in done).result()
            finally:
                stopping = self._task is not None and self._task.cancelling() > 0
                self._pipe = None
                pipe.close()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                if not stopping and process.returncode is None:
                    process.kill()
                    await process.wait()

    async def _spawn(self, stack: AsyncExitStack) -> tuple[int, asyncio.StreamReader | None]:
        """Start the program; `stack` closes our ends of its pipes.

        They are plain pipes and not asyncio's, because a message counts when it is in the pipe, and
        asyncio does not say when that is.
        """
        theirs, ours = os.pipe2(os.O_CLOEXEC)
        stack.callback(os.close, ours)
        answers, writer = None, DEVNULL
        try:
            if self._confirm:
                source, writer = os.pipe2(os.O_CLOEXEC)
                answers = asyncio.StreamReader(limit=_LONGEST_ANSWER)
                protocol = asyncio.StreamReaderProtocol(answers)
                transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                    lambda: protocol, os.fdopen(source, "rb", 0)
                )
                stack.callback(transport.close)
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=theirs, stdout=writer, start_new_session=True
            )
        finally:
            os.close(theirs)
            if writer != DEVNULL:
                os.close(writer)
        self.starts += 1
        return ours, answers

    def _feed(self, pipe: FileOutput) -> None:
        self._pipe = pipe
        for item in self._items:
            self._give(pipe, item)

    async def _read_answers(self, answers: asyncio.StreamReader, pipe: FileOutput) -> str:
        ready = False
        while True:
            try:
                line = await answers.readline()
            except ValueError:
                return f"it wrote a line of more than {_LONGEST_ANSWER} bytes"
            if not line:
                return "it closed its standard output"
            if line.strip() != b"OK":
                return f"it answered {line[:_SHOWN]!r}, not OK"
            if not ready:
                ready = True
                for item in self._items:
                    item.drop_confirmed()
                self._feed(pipe)
            elif not self._items:
                return "it confirmed a message that it was not given"
            else:
                self._progress = True
                self._items[0].left -= 1
                if not self._items[0].left:
                    self._done()


async def _end_of(process: Process) -> str:
    return f"it ended with status {await process.wait()}"


async def _broken(pipe: FileOutput) -> str:
    return f"it does not read: {await pipe.broken}"
