"""`relpio receive`: from start to signal."""

from __future__ import annotations

import argparse
import asyncio
import resource
from asyncio import sslproto
from functools import partial
from typing import Any

from relpio.command.common_options import tls_settings
from relpio.command.metrics_options import exporting
from relpio.command.outputs import CommandOutputs, check_outputs
from relpio.command.reload import Reload, Reread
from relpio.command.signals import StopSignal
from relpio.errors import ConfigurationError
from relpio.logs import Log
from relpio.metrics.registry import Registry
from relpio.protocol.server import Oversize, ServerSettings
from relpio.receiver.receiver import Receiver, ReceiverSettings
from relpio.receiver.settings import AckDepth

__all__ = ["check_receive", "receive"]

_TLS_BUFFER = 32 * 1024

_OTHER_FDS = 64
"""Descriptors for everything that is no session."""


async def receive(options: argparse.Namespace, log: Log, reread: Reread) -> int:
    """Run the command and return its exit status."""
    try:
        settings = _settings(options)
        outputs = CommandOutputs(options, log)
    except (ConfigurationError, OSError) as error:
        log("error", detail=str(error))
        return 2
    if settings.tls is not None:
        _save_memory_of_tls()
    _raise_fd_limit(settings.max_sessions + options.max_open_files + _OTHER_FDS)
    stop = StopSignal(log)
    registry = Registry()
    receiver = Receiver(settings, outputs.outputs, log=log, registry=registry)
    reload = Reload(options, reread, partial(_apply, receiver, outputs))
    stop.on_hangup(reload, log)
    try:
        async with exporting(options, registry, log):
            return await _run(receiver, outputs, stop, reload, log)
    except ConfigurationError as error:
        log("error", detail=str(error))
    except OSError as error:
        log("error", detail=error.strerror or str(error))
    return 2


async def _run(
    receiver: Receiver, outputs: CommandOutputs, stop: StopSignal, reload: Reload, log: Log
) -> int:
    await receiver.start()
    output = outputs.outputs
    output.start()
    stop.manager.ready()
    stopped = asyncio.create_task(stop.event.wait())
    ends: list[asyncio.Future[Any]] = [stopped, output.broken]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    broken = output.broken.done()
    if broken:
        log("output-error", detail=str(output.broken.result()), retry_seconds=None)
    shutdown_timeout: float = reload.options.shutdown_timeout
    await receiver.close(shutdown_timeout)
    await outputs.stop(shutdown_timeout / 2)
    log("done", received=receiver.received, acknowledged=receiver.acknowledged)
    stop.ignore()
    if stop.interrupted:
        return 130
    return 1 if broken else 0


def check_receive(options: argparse.Namespace) -> None:
    """Say whether the options fit together.

    Raises:
        ConfigurationError: they do not.
    """
    settings = _settings(options)
    check_outputs(options)
    if settings.tls is not None:
        settings.tls.server_context()


def _settings(options: argparse.Namespace) -> ReceiverSettings:
    if options.listen_plain and not options.tls:
        raise ConfigurationError("--listen-plain: no effect without --tls; use --listen")
    return ReceiverSettings(
        listen=options.listen,
        listen_plain=options.listen_plain,
        session=ServerSettings(
            max_message_size=options.max_message_size,
            oversize=Oversize(options.oversize),
            max_accepted_size=max(options.max_accepted_size, options.max_message_size),
            open_timeout=options.open_timeout,
            idle_timeout=options.idle_timeout,
            frame_timeout=options.frame_timeout,
        ),
        keepalive=options.keepalive,
        user_timeout=options.user_timeout,
        max_sessions=options.max_sessions,
        max_sessions_per_peer=options.max_sessions_per_peer,
        permitted_networks=options.permitted_network,
        max_rate_per_peer=options.max_rate_per_peer,
        ack_at_once=AckDepth(options.ack) is AckDepth.RECEIVED,
        tls=tls_settings(options),
    )


def _apply(receiver: Receiver, outputs: CommandOutputs, options: argparse.Namespace) -> None:
    settings = _settings(options)
    if settings.tls is not None:
        settings.tls.server_context()  # what is wrong with it must leave the outputs as they are
    _raise_fd_limit(options.max_sessions + options.max_open_files + _OTHER_FDS)
    outputs.reload(options)
    receiver.reload(settings)


def _save_memory_of_tls() -> None:
    """Let asyncio read TLS in smaller pieces.

    It holds a buffer of 256 KiB for each TLS connection, idle or not: 10 000 senders would take
    2.6 GB. 32 KiB are two records of TLS, and throughput stays the same.
    """
    sslproto.SSLProtocol.max_size = _TLS_BUFFER


def _raise_fd_limit(wanted: int) -> None:
    """Make room for all sessions, as far as the hard limit goes; the soft one is often 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
