"""`relpio receive`: from start to signal."""

from __future__ import annotations

import argparse
import asyncio
import os

from relpio.command.signals import StopSignal
from relpio.errors import ConfigurationError
from relpio.logs import Log
from relpio.protocol.server import ServerSettings
from relpio.receiver.formats import FORMATS
from relpio.receiver.output import FileOutput
from relpio.receiver.receiver import Receiver, ReceiverSettings

__all__ = ["check_receive", "receive"]


async def receive(options: argparse.Namespace, log: Log) -> int:
    """Run the command and return its exit status."""
    try:
        settings = _settings(options)
        fd = _open_output(options.output)
    except (ConfigurationError, OSError) as error:
        log("error", detail=str(error))
        return 2
    stop = StopSignal()
    output = FileOutput(fd, log)
    receiver = Receiver(settings, output, log=log)
    try:
        await receiver.start()
    except OSError as error:
        log("error", detail=error.strerror or str(error))
        return 2
    stopped = asyncio.create_task(stop.wait())
    ends: list[asyncio.Future[None] | asyncio.Future[OSError]] = [stopped, output.broken]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    broken = output.broken.done()
    if broken:
        log("output-error", detail=str(output.broken.result()), retry_seconds=None)
    await receiver.close(options.shutdown_timeout)
    output.close()
    log("done", received=receiver.received, acknowledged=receiver.acknowledged)
    if stop.interrupted:
        return 130
    return 1 if broken else 0


def check_receive(options: argparse.Namespace) -> None:
    """Say whether the options fit together.

    Raises:
        ConfigurationError: they do not.
    """
    _settings(options)


def _settings(options: argparse.Namespace) -> ReceiverSettings:
    host, port = options.listen
    return ReceiverSettings(
        host=host,
        port=port,
        session=ServerSettings(
            max_message_size=options.max_message_size, open_timeout=options.open_timeout
        ),
        keepalive=options.keepalive,
        user_timeout=options.user_timeout,
        max_sessions=options.max_sessions,
        format=FORMATS[options.format],
    )


def _open_output(name: str) -> int:
    if name == "-":
        return 1
    return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
