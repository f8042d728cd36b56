"""Feeds messages to a program, and notices when it does not read them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from halfopen.labs.agent.inlets import Inlet
from halfopen.model.history import compress
from halfopen.model.messages import DEFAULT, NOT_READ_S, MessageShape
from halfopen.model.records import Record, RefusedRecord, SentRecord, UntakenRecord
from halfopen.workloads.numbered import Messages

_CHUNK = 100


@dataclass(eq=False)
class Batch:
    """Messages of one step on their way into a program.

    Attributes:
        host: of the program.
        program: its name.
        first: number of the first message.
        count: of the messages.
        every: seconds between two of them, 0 for as fast as they go.
        form: of each.
        taken: so many have gone into the program's input, read or not: a pipe holds 64 KiB.
        moved: the event loop's time when it took the last.
    """

    host: str
    program: str
    first: int
    count: int
    every: float = 0.0
    form: MessageShape = DEFAULT
    taken: int = 0
    moved: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    def record(self) -> UntakenRecord:
        """What a history says of it when it is stuck."""
        return UntakenRecord(
            kind="untaken",
            host=self.host,
            process=self.program,
            taken=self.taken,
            of=self.count,
        )

    def __str__(self) -> str:
        return (
            f"{self.program} on {self.host} does not read its input: {self.taken} of "
            f"{self.count} messages went in"
        )


async def until_stuck(batch: Batch, feeding: asyncio.Task[None]) -> bool:
    """Wait until all of a batch is taken, which is True, or the program does not read it.

    Raises:
        LabError: if feeding failed.
    """
    loop = asyncio.get_running_loop()
    begun = loop.time()  # what kept it from reading before may be over
    while not feeding.done():
        left = max(begun, batch.moved) + batch.every + NOT_READ_S - loop.time()
        if left <= 0:
            return False
        await asyncio.wait({feeding}, timeout=left)
    await feeding
    return True


class Feeder:
    """Feeder of one running program.

    Args:
        inlet: where it takes messages from.
        messages: of the run.
        emit: takes records without `t`.

    Attributes:
        inlet: the same.
        written: numbers of the messages written to it, in that order.
    """

    def __init__(self, inlet: Inlet, messages: Messages, emit: Callable[[Record], None]) -> None:
        self.inlet = inlet
        self.written: list[int] = []
        self._messages = messages
        self._emit = emit
        self._turn = asyncio.Lock()  # a line of one batch must not get into a line of another

    async def feed(self, batch: Batch) -> None:
        """Write messages to where it takes them from, one each `every` seconds, or all at once.

        A program that is gone takes nothing more: what was not written is not recorded as sent, or
        recorded as refused where the first of it was under way already.
        """
        self._messages.begin(range(batch.first, batch.first + batch.count), batch.form)
        loop = asyncio.get_running_loop()
        due = loop.time()
        chunk = 1 if batch.every or self.inlet.whole else _CHUNK
        end = batch.first + batch.count
        for start in range(batch.first, end, chunk):
            async with self._turn:
                if not await self._write(range(start, min(start + chunk, end)), batch):
                    return
            batch.taken = min(start + chunk, end) - batch.first
            batch.moved = loop.time()
            due += batch.every
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _write(self, numbers: range, batch: Batch) -> bool:
        """Write some of them; False if the program is gone."""
        data = self._messages.make(numbers)
        # Recorded before it is written: it must not arrive before it was sent.
        self._emit(SentRecord(kind="sent", host=batch.host, seqs=compress(numbers)))
        self.written.extend(numbers)
        try:
            await self.inlet.write(data)
        except OSError:
            if self.inlet.whole:
                self._emit(RefusedRecord(kind="refused", host=batch.host, seqs=compress(numbers)))
            return False
        return True
