"""`relpio send`: input to queue, and the end of it all."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Sequence

from relpio.command.input import LineSplitter, read_chunks
from relpio.command.ledger import Ledger
from relpio.command.signals import StopSignal
from relpio.errors import ConfigurationError, InputError
from relpio.logs import Log
from relpio.protocol.client import ClientSettings
from relpio.queue.memory import MemoryQueue
from relpio.sender.sender import Sender, SenderSettings

__all__ = ["check_send", "send"]

_STDIN = 0

_CLOSE_TIMEOUT = 2.0
"""Least time for an orderly close, in seconds, when draining has used up all of the limit."""


async def send(options: argparse.Namespace, log: Log) -> int:
    """Run the command and return its exit status."""
    try:
        settings = _settings(options)
        inputs = _open_inputs(options.files or ["-"])
        ledger = Ledger(options.ledger, log) if options.ledger is not None else None
    except (ConfigurationError, OSError) as error:
        log("error", detail=str(error))
        return 2
    stop = StopSignal()
    sender = Sender(
        settings,
        queue=MemoryQueue(options.queue_size),
        log=log,
        on_acked=None if ledger is None else ledger.acked,
    )
    feeder = _Feeder(sender, ledger, options.max_message_size)
    try:
        async with sender:
            fault = await _work(sender, feeder, inputs, stop, options.shutdown_timeout)
        if fault is not None:
            log("error", detail=str(fault))
    finally:
        if ledger is not None:
            ledger.close()
    log("done", accepted=sender.accepted, acked=sender.acked)
    if stop.interrupted:
        return 130
    missing = sender.accepted - sender.acked
    if missing:
        log("error", detail=f"{missing} of {sender.accepted} messages were not acknowledged")
        return 1
    return 0 if fault is None else 2


async def _work(
    sender: Sender,
    feeder: _Feeder,
    inputs: Sequence[tuple[str, int]],
    stop: StopSignal,
    shutdown_timeout: float,
) -> InputError | OSError | None:
    """Feed and drain until done or told to stop; return what was wrong with the input."""
    loop = asyncio.get_running_loop()
    fault: InputError | OSError | None = None
    stopped = asyncio.create_task(stop.wait())
    feeding = asyncio.create_task(feeder.feed(inputs))
    await asyncio.wait([feeding, stopped], return_when=asyncio.FIRST_COMPLETED)
    if feeding.done():
        try:
            feeding.result()
        except (InputError, OSError) as error:
            fault = error
    feeding.cancel()
    draining = asyncio.create_task(sender.drain())
    await asyncio.wait([draining, stopped], return_when=asyncio.FIRST_COMPLETED)
    deadline = loop.time() + shutdown_timeout
    if not draining.done():
        await asyncio.wait([draining], timeout=shutdown_timeout)
    if draining.done():
        draining.result()
    draining.cancel()
    stopped.cancel()
    # One task list, so that none is left behind half cancelled.
    await asyncio.wait([feeding, draining, stopped])
    await sender.close(max(deadline - loop.time(), min(_CLOSE_TIMEOUT, shutdown_timeout)))
    return fault


class _Feeder:
    """Puts lines into the sender's queue and writes the ledger."""

    def __init__(self, sender: Sender, ledger: Ledger | None, max_size: int) -> None:
        self._sender = sender
        self._ledger = ledger
        self._max_size = max_size

    async def feed(self, inputs: Sequence[tuple[str, int]]) -> None:
        for name, fd in inputs:
            splitter = LineSplitter(name, self._max_size)
            async for data in read_chunks(fd):
                lines, error = splitter.feed(data)
                await self._put(lines)
                if error is not None:
                    raise error
            await self._put(splitter.finish())
            if fd != _STDIN:
                os.close(fd)

    async def _put(self, messages: list[bytes]) -> None:
        while messages:
            before = self._sender.accepted
            count = self._sender.put_nowait(messages)
            if count:
                if self._ledger is not None:
                    self._ledger.accepted(before + 1, before + count)
                messages = messages[count:]
            else:
                await self._sender.room()


def check_send(options: argparse.Namespace) -> None:
    """Say whether the options fit together.

    Raises:
        ConfigurationError: they do not.
    """
    _settings(options)


def _settings(options: argparse.Namespace) -> SenderSettings:
    host, port = options.target
    return SenderSettings(
        host=host,
        port=port,
        session=ClientSettings(
            window=options.window,
            ack_timeout=options.ack_timeout,
            open_timeout=options.open_timeout,
            close_timeout=options.shutdown_timeout,
        ),
        connect_timeout=options.connect_timeout,
        keepalive=options.keepalive,
        user_timeout=options.user_timeout,
        backoff=options.backoff,
        local_address=options.local_address,
        seed=options.seed,
    )


def _open_inputs(names: Sequence[str]) -> list[tuple[str, int]]:
    """Open all before anything is sent: a missing file must not be found out half-way."""
    return [
        ("standard input", _STDIN)
        if name == "-"
        else (name, os.open(name, os.O_RDONLY | os.O_CLOEXEC))
        for name in names
    ]
