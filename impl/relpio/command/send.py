"""`relpio send`: inputs to queues, queues to sessions, and the end of it all."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

from relpio.command.common_options import tls_settings
from relpio.command.input_options import check_inputs, inputs_from
from relpio.command.ledger import Ledger
from relpio.command.metrics_options import exporting
from relpio.command.queue_options import Queues, check_queues, queue_settings, queues_from
from relpio.command.signals import StopSignal
from relpio.errors import ConfigurationError, InputError
from relpio.inputs.base import Input
from relpio.inputs.figures import register_inputs
from relpio.logs import Log
from relpio.metrics.registry import Registry
from relpio.protocol.client import ClientSettings
from relpio.protocol.runs import runs_of
from relpio.queue.intake import FlowControl
from relpio.queue.settings import QueueSettings
from relpio.sender.mover import Origins
from relpio.sender.sender import Sender, SenderSettings

__all__ = ["check_send", "send"]


async def send(options: argparse.Namespace, log: Log) -> int:
    """Run the command and return its exit status."""
    with ExitStack() as stack:
        try:
            check_send(options)
            run = _Run(options, log, stack)
        except (ConfigurationError, OSError) as error:
            log("error", detail=str(error))
            return 2
        stop = StopSignal()
        registry = Registry()
        run.register(registry)
        try:
            async with exporting(options, registry, log):
                fault = await run.work(stop)
        except (ConfigurationError, OSError) as error:
            fault = error
        if fault is not None:
            log("error", detail=str(fault))
    missing = run.report()
    if stop.interrupted:
        return 130
    if missing:
        return 1
    return 0 if fault is None else 2


def check_send(options: argparse.Namespace) -> None:
    """Say whether the options fit together.

    Raises:
        ConfigurationError: they do not.
    """
    check_inputs(options)
    check_queues(options)
    settings = _settings(options)
    if settings.tls is not None:
        settings.tls.client_context()


class _Run:
    """All parts of a running command."""

    def __init__(self, options: argparse.Namespace, log: Log, stack: ExitStack) -> None:
        """Open everything, before anything is sent; `stack` closes it.

        Raises:
            ConfigurationError: options do not fit together.
            OSError: a file cannot be opened, or an address not be used.
        """
        self._log = log
        self._shutdown_timeout: float = options.shutdown_timeout
        self._durable = _durable_queues(options)
        self._ledger = Ledger(options.ledger, log) if options.ledger is not None else None
        if self._ledger is not None:
            stack.callback(self._ledger.close)
        self._queues: Queues = queues_from(options, log)
        stack.callback(self._queues.close)
        self._inputs: Sequence[Input] = inputs_from(options, log)
        for each in self._inputs:
            stack.callback(each.close)
        self._sender = Sender(
            _settings(options, self._queues.settings),
            queue=self._queues.source,
            log=log,
            on_acked=None if self._ledger is None else self._acked,
            on_dead=None if self._ledger is None else self._dead,
        )
        self._left: dict[str, int] = {}
        self._given = 0  # messages that came from all inputs, accepted or not
        self._origins = Origins()  # of numbers in the first queue: which of those they are

    def register(self, registry: Registry) -> None:
        """Make the figures of all parts known."""
        self._sender.register(registry)
        self._queues.register(registry)
        register_inputs(registry, self._inputs)

    async def work(self, stop: StopSignal) -> Exception | None:
        """Feed and drain until done or told to stop; return what was wrong with the input."""
        mover = self._queues.mover
        async with self._sender:
            stopped = asyncio.create_task(stop.wait())
            failed = asyncio.create_task(self._sender.failed())
            moving = None if mover is None else asyncio.create_task(mover.run())
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
            await self._sender.close(limit)
        self._left = {name: len(queue) for name, queue in self._queues.queues.items()}
        return fault

    def report(self) -> int:
        """Log what became of the messages; return how many are neither delivered nor on disk."""
        accepted, sender = self._queues.intake.accepted, self._sender
        kept = sum(count for name, count in self._left.items() if name in self._durable)
        missing = sum(self._left.values()) - kept
        if kept:
            self._log("kept", count=kept)
        self._log("done", accepted=accepted, acked=sender.acked)
        if missing:
            total = max(accepted, missing)
            detail = f"{missing} of {total} messages were not acknowledged"
            self._log("error", detail=detail)
        return missing

    async def _feed_all(
        self, feeding: Sequence[asyncio.Task[None]], ends: Sequence[asyncio.Task[None]]
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

    async def _drain(
        self, ends: Sequence[asyncio.Task[None]], stopped: asyncio.Task[None]
    ) -> float:
        """Wait for empty queues; after a signal only for a while. Return when the end is due."""
        loop = asyncio.get_running_loop()
        draining = asyncio.create_task(self._queues.drained())
        try:
            await asyncio.wait([draining, *ends], return_when=asyncio.FIRST_COMPLETED)
            for task in ends:
                if task.done() and task is not stopped:
                    task.result()  # a bug in a worker or in the mover; nobody would drain
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
            offered = await intake.offer(messages, flow, partial(self._origins.note, inputs))
            gone = set(offered.discarded)
            taken = [inputs[at] for at in range(len(inputs)) if at not in gone] if gone else inputs
            for first, last in runs_of(taken):
                ledger.accepted(first, last)

        await source.run(deliver)

    def _acked(self, numbers: Sequence[int]) -> None:
        if self._ledger is not None:
            self._ledger.acked(self._own(numbers))

    def _dead(self, numbers: Sequence[int]) -> None:
        if self._ledger is not None:
            self._ledger.dead(self._own(numbers))

    def _own(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return the numbers of the messages in the input; those of earlier runs have none."""
        mover = self._queues.mover
        return self._origins.of(numbers if mover is None else mover.origins.of(numbers))


def _durable_queues(options: argparse.Namespace) -> set[str]:
    """Name the queues whose messages outlive the process."""
    named = {"queue": queue_settings(options), "main": queue_settings(options, "main_queue")}
    return {
        name for name, settings in named.items()
        if settings.directory is not None
        and (settings.save_on_shutdown or not settings.disk_assisted)
    }  # fmt: skip


def _settings(options: argparse.Namespace, dequeue: QueueSettings | None = None) -> SenderSettings:
    return SenderSettings(
        targets=tuple(options.target),
        fail_back=options.fail_back,
        session=ClientSettings(
            window=options.window,
            ack_timeout=options.ack_timeout,
            open_timeout=options.open_timeout,
            close_timeout=options.shutdown_timeout,
            version=options.relp_version,
        ),
        connect_timeout=options.connect_timeout,
        keepalive=options.keepalive,
        user_timeout=options.user_timeout,
        tls=tls_settings(options),
        backoff=options.backoff,
        rebind_interval=options.rebind_interval,
        nack_retries=options.nack_retries,
        dead_letters=options.dead_letters,
        dequeue=dequeue,
        local_address=options.local_address,
        seed=options.seed,
    )
