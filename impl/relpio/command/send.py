"""`relpio send`: inputs to queues, queues to sessions, and the end of it all."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from functools import partial

from relpio.command.common_options import tls_settings
from relpio.command.input_options import check_inputs, inputs_from
from relpio.command.metrics_options import exporting
from relpio.command.queue_options import all_queue_settings
from relpio.command.reload import Reload, Reread
from relpio.command.signals import StopSignal
from relpio.errors import ConfigurationError
from relpio.logs import Log
from relpio.metrics.registry import Registry
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
            pipeline = _pipeline(options, log, stack)
        except (ConfigurationError, OSError) as error:
            log("error", detail=str(error))
            return 2
        stop = StopSignal(log)
        stop.on_hangup(Reload(options, reread, partial(_apply, pipeline)), log)
        registry = Registry()
        pipeline.register(registry)
        try:
            async with exporting(options, registry, log):
                stop.manager.ready()  # inputs and queues are open; a target may come later
                fault = await pipeline.run(stop.event)
        except (ConfigurationError, OSError) as error:
            fault = error
        if fault is not None:
            log("error", detail=str(fault))
    missing = pipeline.report()
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
    all_queue_settings(options)
    settings = _settings(options)
    if settings.tls is not None:
        settings.tls.client_context()


def _pipeline(options: argparse.Namespace, log: Log, stack: ExitStack) -> Pipeline:
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
    return Pipeline(
        _settings(options, queues.settings), queues, inputs,
        ledger=ledger, shutdown_timeout=options.shutdown_timeout, log=log,
    )  # fmt: skip


def _apply(pipeline: Pipeline, options: argparse.Namespace) -> None:
    pipeline.reload(
        _settings(options, pipeline.sender.settings.dequeue),
        shutdown_timeout=options.shutdown_timeout,
    )


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
