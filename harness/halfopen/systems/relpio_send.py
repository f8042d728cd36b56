"""`relpio send`: our own RELP sender, fed with messages on its standard input."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from halfopen.fields import Duration, Patience, Section, Timer
from halfopen.model.topology import endpoint
from halfopen.ports import Feed, ProgramSpec, Ready, SystemContext, SystemSpec
from halfopen.systems._keepalive import Keepalive, keepalive_argument, keepalive_timers

PORT = 2514


class Options(Section):
    """What a scenario can set.

    Attributes:
        to: the receiver's host.
        port: the receiver's TCP port.
        window: messages that may be unacknowledged at a time.
        ack_timeout: how long the oldest unacknowledged message may wait for its answer.
        keepalive: of its connection.
        user_timeout: TCP_USER_TIMEOUT of its connection.
        backoff: between two attempts to connect, at first.
        queue_size: messages that it holds.
        queue: where it holds them; `disk-assisted`: on disk what memory does not take.
        sync_queue: it accepts a message only when the disk has it (fsync), not just the kernel.
        connect_timeout: for name look-up and TCP connect together; relpio's own 10 s of real time
            if not set.
        to_by_name: it is given the receiver's name, and looks it up for each connection.
    """

    to: str
    port: int = Field(default=PORT, ge=1, le=65535)
    window: int = Field(default=128, ge=1, le=100_000)
    ack_timeout: Patience = 90.0
    keepalive: Keepalive = None
    user_timeout: Patience = None
    backoff: Duration = 1.0
    queue_size: int = Field(default=10_000, ge=1, le=10_000_000)
    queue: Literal["memory", "disk", "disk-assisted"] = "memory"
    sync_queue: bool = False
    connect_timeout: Patience = None
    to_by_name: bool = False


def _timers(options: Options) -> Sequence[Timer]:
    timers = list(keepalive_timers(options.keepalive))
    if options.ack_timeout is not None:
        timers.append(Timer("ack timeout", options.ack_timeout, "answer"))
    if options.user_timeout is not None:
        timers.append(Timer("user timeout", options.user_timeout, "answer"))
    return timers


def _program(options: Options, context: SystemContext) -> ProgramSpec:
    ledger = str(Path(context.notes or context.directory) / "ledger")
    where = options.to if options.to_by_name else context.addresses[options.to]
    target = endpoint(where, options.port)
    argv = [sys.executable, "-m", "relpio", "send", "--target", target, "--log-json"]
    argv += ["--window", str(options.window), "--queue-size", str(options.queue_size)]
    argv += ["--keepalive", keepalive_argument(options.keepalive), "--ledger", ledger]
    for name, seconds in (
        ("--ack-timeout", options.ack_timeout),
        ("--user-timeout", options.user_timeout),
    ):
        argv += [name, "off" if seconds is None else f"{seconds:g}"]
    if options.connect_timeout is not None:
        argv += ["--connect-timeout", f"{options.connect_timeout:g}"]
    argv += _queue(options, context)
    # An attempt to connect takes real time, that no scale divides.
    first = max(options.backoff, 0.01)
    argv += ["--backoff", f"{first:g}/{max(first * 60, 1):g}", "--seed", str(context.seed)]
    return ProgramSpec(
        name="relpio-send",
        argv=tuple(argv),
        env={},
        ready=Ready(event="session-open"),
        feed=Feed(),
        ledger=ledger,
    )


def _queue(options: Options, context: SystemContext) -> list[str]:
    if options.queue == "memory":
        return []
    argv = ["--queue-spool-directory", context.directory, "--queue-filename", "queue"]
    if options.queue == "disk":
        argv += ["--queue-type", "disk"]
    if options.sync_queue:
        argv += ["--queue-sync-queue-files", "on"]
    return argv


SYSTEM = SystemSpec(
    name="relpio send",
    summary="RELP sender with an acknowledged queue, fed with messages on its standard input",
    role="sender",
    options=Options,
    program=_program,
    hosts=lambda options: (options.to,),
    timers=_timers,
)
