"""Pipeline of a sender: from inputs through one or two queues to sessions, and its orderly end.

queues = open_queues(QueueSettings(), log=log)
pipeline = Pipeline(settings, queues, inputs, log=log)
fault = await pipeline.run(stop)     # an asyncio.Event
missing = pipeline.report()
queues.close()
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from relpio.errors import InputError
from relpio.inputs.base import Input
from relpio.inputs.metrics import register_inputs
from relpio.logs import Log, no_log
from relpio.metrics.registry import Registry
from relpio.protocol.runs import runs_of
from relpio.queue.intake import FlowControl
from relpio.sender.bridge import NumberMap
from relpio.sender.ledger import Ledger
from relpio.sender.queues import Queues
from relpio.sender.sender import Sender, SenderSettings

__all__ = ["Pipeline"]


class Pipeline:
    """Feeds the queues from the inputs and drains them to the servers.

    Queues, inputs and ledger belong to the caller, who closes them after `run`.
    """

    def __init__(
        self,
        settings: SenderSettings,
        queues: Queues,
        inputs: Sequence[Input],
        *,
        ledger: Ledger | None = None,
        shutdown_timeout: float = 5.0,
        log: Log = no_log,
    ) -> None:
        """Prepare; nothing is sent before `run`.

        Args:
            settings: how the sender behaves.
            queues: where messages wait.
            inputs: where they come from.
            ledger: takes note of what was accepted and acknowledged.
            shutdown_timeout: seconds from the stop to the end of the last session.
            log: takes log events.

        Raises:
            ConfigurationError: TLS cannot be set up.
            OSError: the file of dead letters cannot be opened.
        """
        self._log = log
        self._shutdown_timeout = shutdown_timeout
        self._queues = queues
        self._inputs = inputs
        self._ledger = ledger
        self.sender = Sender(
            settings,
            queue=queues.source,
            intake=queues.intake,
            log=log,
            on_acked=None if ledger is None else self._acked,
            on_dead=None if ledger is None else self._dead,
        )
        self._left: dict[str, int] = {}
        self._given = 0  # messages that came from all inputs, accepted or not
        self._number_map = NumberMap()  # from numbers in the first queue to those in the inputs
        self._unsaid: set[int] = set()  # in the queue, not yet called accepted in the ledger

    def register(self, registry: Registry) -> None:
        """Register the metrics of all parts."""
        self.sender.register(registry)
        self._queues.register(registry)
        register_inputs(registry, self._inputs)

    async def run(self, stop: asyncio.Event) -> Exception | None:
        """Feed and drain until done, or until `stop`; return what was wrong with an input.

        After the stop, sessions get `shutdown_timeout` to end in order. What then has no answer
        stays in its queue.
        """
        bridge = self._queues.bridge
        async with self.sender:
            stopped = asyncio.create_task(stop.wait())
            failed = asyncio.create_task(self.sender.failed())
            moving = None if bridge is None else asyncio.create_task(bridge.run())
            feeding = [asyncio.create_task(self._feed(each)) for each in self._inputs]
            ends = [task for task in (stopped, failed, moving) if task is not None]
            try:
                fault = await self._feed_all(feeding, ends)
                deadline = await self._drain(ends, stopped)
            finally:
                for task in (*feeding, *ends):
                    task.cancel()
                await asyncio.wait([*feeding, *ends])
            loop = asyncio.get_running_loop()
            least = self._queues.settings.timeout_action_completion
            limit = max(deadline - loop.time(), min(least, self._shutdown_timeout))
            await self.sender.close(limit)
        self._left = {name: len(queue) for name, queue in self._queues.queues.items()}
        return fault

    def reload(
        self, settings: SenderSettings | None = None, *, shutdown_timeout: float | None = None
    ) -> None:
        """Take new settings and read the files of TLS again, for sessions to come.

        The ledger is opened again by its name.

        Args:
            settings: as `Sender.reload` takes them; None keeps those in use.
            shutdown_timeout: seconds from the stop to the end; None keeps what is in use.

        Raises:
            ConfigurationError: a file of TLS is of no use; nothing has changed.
            OSError: the ledger cannot be opened; the old one goes on.
        """
        if self._ledger is not None:
            self._ledger.reopen()
        self.sender.reload(settings)
        if shutdown_timeout is not None:
            self._shutdown_timeout = shutdown_timeout

    def report(self) -> int:
        """Log what became of the messages; return how many are neither delivered nor on disk.

        Those count, too, that a queue had on disk and that were found damaged or missing there.
        """
        accepted = self._queues.intake.accepted
        kept = sum(count for name, count in self._left.items() if name in self._queues.durable)
        missing = sum(self._left.values()) - kept
        if kept:
            self._log("kept", count=kept)
        self._log("done", accepted=accepted, acked=self.sender.acked)
        if missing:
            total = max(accepted, missing)
            detail = f"{missing} of {total} messages were not acknowledged"
            self._log("error", detail=detail)
        lost = self._queues.lost
        if lost:
            self._log("error", detail=f"{lost} messages in the queue's files were damaged and lost")
        return missing + lost

    async def _feed_all(
        self, feeding: Sequence[asyncio.Task[None]], ends: Sequence[asyncio.Task[Any]]
    ) -> Exception | None:
        pending = set(feeding)
        fault: Exception | None = None
        while pending and fault is None and not any(task.done() for task in ends):
            done, _ = await asyncio.wait(
                [*pending, *ends], return_when=asyncio.FIRST_COMPLETED
            )  # fmt: skip
            for task in done & pending:
                try:
                    task.result()
                except (InputError, OSError) as error:
                    fault = error
            pending -= done
        # An input that is told to stop has a moment to see its last messages accepted.
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending)
        return fault

    async def _drain(self, ends: Sequence[asyncio.Task[Any]], stopped: asyncio.Task[Any]) -> float:
        """Wait for empty queues; after a signal only for a while. Return when the end is due."""
        loop = asyncio.get_running_loop()
        draining = asyncio.create_task(self._queues.drained())
        try:
            await asyncio.wait([draining, *ends], return_when=asyncio.FIRST_COMPLETED)
            for task in ends:
                if task.done() and task is not stopped:
                    task.result()  # a bug in a worker or in the bridge; nobody would drain
            deadline = loop.time() + self._shutdown_timeout
            if not draining.done():
                limit = self._queues.settings.timeout_shutdown
                await asyncio.wait([draining], timeout=limit)
            return deadline
        finally:
            draining.cancel()
            await asyncio.wait([draining])

    async def _feed(self, source: Input) -> None:
        flow = FlowControl(source.flow)
        intake, ledger = self._queues.intake, self._ledger

        async def deliver(messages: Sequence[bytes]) -> None:
            if ledger is None:
                await intake.offer(messages, flow)
                return
            # A queue on disk counts on where the last run stopped; a feeder counts from 1.
            inputs = range(self._given + 1, self._given + len(messages) + 1)
            self._given += len(messages)
            offered = await intake.offer(messages, flow, partial(self._put, inputs))
            gone = set(offered.discarded)
            taken = [inputs[at] for at in range(len(inputs)) if at not in gone] if gone else inputs
            self._say_accepted(ledger, taken)

        await source.run(deliver)

    def _put(self, inputs: range, numbers: range, places: Sequence[int]) -> None:
        self._number_map.note(inputs, numbers, places)
        self._unsaid.update(inputs[place] for place in places)

    def _say_accepted(self, ledger: Ledger, inputs: Sequence[int]) -> None:
        """Call messages accepted, once: now that they are safe, or because their answer is here."""
        unsaid = [number for number in inputs if number in self._unsaid]
        self._unsaid.difference_update(unsaid)
        for first, last in runs_of(unsaid):
            ledger.accepted(first, last)

    def _acked(self, numbers: Sequence[int]) -> None:
        if self._ledger is not None:
            own = self._own(numbers)
            self._say_accepted(self._ledger, own)
            self._ledger.acked(own)

    def _dead(self, numbers: Sequence[int]) -> None:
        if self._ledger is not None:
            own = self._own(numbers)
            self._say_accepted(self._ledger, own)
            self._ledger.dead(own)

    def _own(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return the numbers of the messages in the input; those of earlier runs have none."""
        bridge = self._queues.bridge
        return self._number_map.of(numbers if bridge is None else bridge.number_map.of(numbers))
