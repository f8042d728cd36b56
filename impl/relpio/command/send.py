"""`relpio send`: inputs to queues, queues to sessions, and the end of it all."""

from __future__ import annotations

import argparse
import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from relpio.command.common_options import tls_settings
from relpio.command.input_options import check_inputs, inputs_from
from relpio.command.metrics_options import exporting
from relpio.command.queue_options import all_queue_settings
from relpio.command.reload import Reload, Reread
from relpio.command.signals import StopSignal
from relpio.copies import Copies
from relpio.errors import ConfigurationError
from relpio.inputs.base import Input
from relpio.logs import Log
from relpio.metrics.registry import Registry
from relpio.net.addresses import Address
from relpio.pipeline import Pipeline
from relpio.protocol.client import ClientSettings
from relpio.queue.settings import QueueSettings
from relpio.sender.ledger import Ledger
from relpio.sender.queues import open_queues
from relpio.sender.sender import SenderSettings

__all__ = ["check_send", "send"]


async def send(options: argparse.Namespace, log: Log, reread: Reread) -> int:
    """Run the command and return its exit status."""
    with ExitStack() as stack:
        try:
            check_send(options)
            pipeline, copies = _pipelines(options, log, stack)
        except (ConfigurationError, OSError) as error:
            log("error", detail=str(error))
            return 2
        stop = StopSignal(log)
        stop.on_hangup(Reload(options, reread, partial(_apply, pipeline, copies)), log)
        registry = Registry()
        pipeline.register(registry)
        for name, each in _named(options, copies):
            each.register(registry.labelled(copy=name))
        try:
            async with exporting(options, registry, log):
                stop.manager.ready()  # inputs and queues are open; a target may come later
                fault = await _run(pipeline, copies, stop.event)
        except (ConfigurationError, OSError) as error:
            fault = error
        if fault is not None:
            log("error", detail=str(fault))
    missing = sum(each.report() for each in (pipeline, *copies.pipelines))
    stop.ignore()
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
    if options.copy_to and options.ledger is not None:
        raise ConfigurationError(
            "--ledger and --copy-to exclude each other: the ledger has the answers of one receiver"
        )
    twice = [str(each) for each, count in Counter(options.copy_to).items() if count > 1]
    if twice:
        raise ConfigurationError(f"--copy-to {twice[0]}: given twice")
    all_queue_settings(options)
    settings = _settings(options)
    if settings.tls is not None:
        settings.tls.client_context()


def _pipelines(options: argparse.Namespace, log: Log, stack: ExitStack) -> tuple[Pipeline, Copies]:
    """Open everything, before anything is sent; `stack` closes it.

    Raises:
        ConfigurationError: options do not fit together.
        OSError: a file cannot be opened, or an address not be used.
    """
    ledger = None
    if options.ledger is not None:
        ledger = Ledger(options.ledger, log)
        stack.callback(ledger.close)
    queues = open_queues(*all_queue_settings(options), log)
    stack.callback(queues.close)
    inputs = inputs_from(options, log)
    for each in inputs:
        stack.callback(each.close)
    copies = Copies(inputs)
    pipeline = Pipeline(
        _settings(options, queues.settings), queues, copies.inputs if options.copy_to else inputs,
        ledger=ledger, shutdown_timeout=options.shutdown_timeout, log=log,
    )  # fmt: skip
    for target in options.copy_to:
        copies.add(partial(_copy, target, options, log, stack))
    return pipeline, copies


def _copy(
    target: Address,
    options: argparse.Namespace,
    log: Log,
    stack: ExitStack,
    inputs: Sequence[Input],
) -> Pipeline:
    """Make the pipeline of a further receiver, with queues of its own."""

    def log_copy(event: str, /, **fields: object) -> None:
        log(event, copy=str(target), **fields)

    settings = [
        each if each is None or each.filename is None
        else replace(each, filename=f"{each.filename}-{_file_name(target)}")
        for each in all_queue_settings(options)
    ]  # fmt: skip
    action, main = settings
    assert action is not None
    queues = open_queues(action, main, log_copy)
    stack.callback(queues.close)
    return Pipeline(
        _settings_of_copy(target, options, queues.settings), queues, inputs,
        shutdown_timeout=options.shutdown_timeout, log=log_copy,
    )  # fmt: skip


def _settings_of_copy(
    target: Address, options: argparse.Namespace, dequeue: QueueSettings | None
) -> SenderSettings:
    dead: Path | None = options.dead_letters
    if dead is not None:
        dead = dead.with_name(f"{dead.name}-{_file_name(target)}")
    return replace(_settings(options, dequeue), targets=(target,), dead_letters=dead)


def _file_name(target: Address) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "_", str(target))


def _named(options: argparse.Namespace, copies: Copies) -> list[tuple[str, Pipeline]]:
    return [(str(each), pipe) for each, pipe in zip(options.copy_to, copies.pipelines, strict=True)]


async def _run(pipeline: Pipeline, copies: Copies, stop: asyncio.Event) -> Exception | None:
    """Run all pipelines to their end; an error in one of them ends the others."""
    running = asyncio.create_task(pipeline.run(stop))
    copying = asyncio.create_task(copies.run(stop))
    try:
        await asyncio.wait([running, copying], return_when=asyncio.FIRST_EXCEPTION)
        if copying.done():
            copying.result()
        return await running
    finally:
        for task in (running, copying):
            task.cancel()
        await asyncio.gather(running, copying, return_exceptions=True)


def _apply(pipeline: Pipeline, copies: Copies, options: argparse.Namespace) -> None:
    timeout = options.shutdown_timeout
    dequeue = pipeline.sender.settings.dequeue
    pipeline.reload(_settings(options, dequeue), shutdown_timeout=timeout)
    for target, each in zip(options.copy_to, copies.pipelines, strict=True):
        settings = _settings_of_copy(target, options, each.sender.settings.dequeue)
        each.reload(settings, shutdown_timeout=timeout)


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
