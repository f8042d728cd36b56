"""Copies: every message to further receivers, each over a queue of its own.

copies = Copies(inputs)
pipeline = Pipeline(settings, queues, copies.inputs)        # the first receiver
copies.add(lambda own: Pipeline(settings, other_queues, own))
await asyncio.gather(pipeline.run(stop), copies.run(stop))

An input delivers a batch when all queues have accepted it. So a receiver that is away fills its own
queue only; when that is full, the input waits, or drops messages as the rules of that queue say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from relpio.inputs.base import Deliver, Flow, Input
from relpio.pipeline import Pipeline

__all__ = ["Copies"]


class _HandedInput:
    """The end of one input at one copy: its messages are handed over by `deliver`."""

    def __init__(self, source: Input) -> None:
        self._source = source
        self._deliver: Deliver | None = None
        self._begun = asyncio.Event()
        self.ended = asyncio.Event()
        self.received = 0

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def flow(self) -> Flow:
        return self._source.flow

    def close(self) -> None:
        self.ended.set()

    async def run(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._begun.set()
        await self.ended.wait()

    async def deliver(self, messages: Sequence[bytes]) -> None:
        await self._begun.wait()
        assert self._deliver is not None
        await self._deliver(messages)
        self.received += len(messages)


class _CopiedInput:
    """An input that delivers to the first receiver's queue and to all copies."""

    def __init__(self, source: Input) -> None:
        self.source = source
        self.copies: list[_HandedInput] = []

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def flow(self) -> Flow:
        return self.source.flow

    @property
    def received(self) -> int:
        return self.source.received

    def close(self) -> None:
        self.source.close()

    async def run(self, deliver: Deliver) -> None:
        async def deliver_to_all(messages: Sequence[bytes]) -> None:
            copying = [each.deliver(messages) for each in self.copies]
            await asyncio.gather(deliver(messages), *copying)

        try:
            await self.source.run(deliver_to_all)
        finally:
            for each in self.copies:
                each.close()


class Copies:
    """Further pipelines that get the messages of the same inputs.

    Attributes:
        inputs: for the first pipeline, in the place of those that were given.
        pipelines: those that were added.
    """

    def __init__(self, inputs: Sequence[Input]) -> None:
        """Copy what comes from `inputs`."""
        self.inputs = [_CopiedInput(each) for each in inputs]
        self.pipelines: list[Pipeline] = []
        self._stopped = asyncio.Event()

    def add(self, make: Callable[[Sequence[Input]], Pipeline]) -> Pipeline:
        """Add a pipeline, which `make` makes for the inputs that it is given."""
        own = [_HandedInput(each.source) for each in self.inputs]
        pipeline = make(own)
        for copied, handed in zip(self.inputs, own, strict=True):
            copied.copies.append(handed)
        self.pipelines.append(pipeline)
        return pipeline

    async def run(self, stop: asyncio.Event) -> None:
        """Run all until the inputs have ended and the queues are empty, or until `stop`.

        The stop reaches them only when no input has anything under way any more.
        """
        stopping = asyncio.create_task(self._stop(stop))
        try:
            async with asyncio.TaskGroup() as group:
                for each in self.pipelines:
                    group.create_task(each.run(self._stopped))
        finally:
            stopping.cancel()
            await asyncio.gather(stopping, return_exceptions=True)

    async def _stop(self, stop: asyncio.Event) -> None:
        await stop.wait()
        for copied in self.inputs:
            for each in copied.copies:
                await each.ended.wait()
        self._stopped.set()
