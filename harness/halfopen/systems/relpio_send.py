"""The system `relpio send`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from halfopen.fields import Bytes, Duration, Endpoints, RealDelay, RealTimeout, Timer
from halfopen.model.topology import endpoint
from halfopen.ports import Feed, ProgramSpec, Ready, System, SystemContext
from halfopen.products.relpio import missing
from halfopen.systems._keepalive import Keepalive, keepalive_argument, keepalive_timers

PORT = 2514
QUEUE = "queue"  # the directory of its queue
# `relpio send` has each with `--queue-` before it.
_QUEUE_FIGURES = (
    "high_watermark",
    "low_watermark",
    "full_delay_mark",
    "discard_mark",
    "discard_severity",
    "max_disk_space",
    "max_file_size",
    "worker_threads",
    "worker_thread_minimum_messages",
    "dequeue_batch_size",
    "dequeue_time_begin",
    "dequeue_time_end",
)
_QUEUE_SECONDS = ("timeout_enqueue", "timeout_worker_thread_shutdown", "dequeue_slow_down")


class RelpioSend(System):
    """Our own RELP sender, fed with messages on its standard input.

    Attributes:
        to: the receiver's host; or a list: the next is tried at once when a session is lost.
        port: the TCP port of each receiver.
        window: most unacknowledged messages.
        ack_timeout: how long the oldest unacknowledged message may wait for its answer.
        keepalive: of its connection.
        user_timeout: TCP_USER_TIMEOUT of its connection.
        backoff: between two attempts to connect, at first.
        queue_size: messages that it holds.
        queue: where it holds them; `direct`: nowhere, its input waits for the receiver;
            `disk-assisted`: on disk what memory does not take.
        high_watermark: messages in memory at which a disk-assisted queue starts writing to disk.
        low_watermark: messages in memory at which it stops.
        full_delay_mark: messages from which on its input waits, 0 for never: where a disk-assisted
            queue is to spill what it is fed.
        discard_mark: messages from which on the less important are dropped.
        discard_severity: these are: 0 (emergency) to 7 (debug), 8 for none.
        max_disk_space: of all segments together, 0 for no limit.
        max_file_size: of a segment.
        timeout_enqueue: how long a message waits for room before it is dropped, 0 for not at all,
            real time; if not set it waits forever.
        worker_threads: most sessions at a time.
        worker_thread_minimum_messages: waiting messages for each additional session.
        timeout_worker_thread_shutdown: until an idle additional session ends; real time.
        dequeue_batch_size: most messages taken at once.
        dequeue_slow_down: pause after each batch, real time.
        dequeue_time_begin: hour of the day from which on messages are taken out, 0 to 23.
        dequeue_time_end: hour until which they are, 25 for always.
        save_on_shutdown: at its end, a disk-assisted queue puts on disk what is in memory.
        shutdown_timeout: time to empty the queue after SIGTERM.
        sync_queue: it accepts a message only when the disk has it (fsync), not just the kernel.
        connect_timeout: for name look-up and TCP connect together; relpio's own 10 s of real time
            if not set.
        to_by_name: it is given the receiver's name, and looks it up for each connection.
    """

    name = "relpio send"
    summary = "RELP sender with an acknowledged queue, fed with messages on its standard input"
    role = "sender"

    to: Endpoints
    port: int = Field(default=PORT, ge=1, le=65535)
    window: int = Field(default=128, ge=1, le=100_000)
    ack_timeout: RealTimeout = 90.0
    keepalive: Keepalive = None
    user_timeout: RealTimeout = None
    backoff: Duration = 1.0
    queue_size: int = Field(default=10_000, ge=1, le=10_000_000)
    queue: Literal["direct", "memory", "disk", "disk-assisted"] = "memory"
    high_watermark: int | None = Field(default=None, ge=1)
    low_watermark: int | None = Field(default=None, ge=0)
    full_delay_mark: int | None = Field(default=None, ge=0)
    discard_mark: int | None = Field(default=None, ge=1)
    discard_severity: int | None = Field(default=None, ge=0, le=8)
    max_disk_space: Bytes | None = None
    max_file_size: Annotated[Bytes, Field(ge=1)] | None = None
    timeout_enqueue: RealDelay | None = None
    worker_threads: int | None = Field(default=None, ge=1)
    worker_thread_minimum_messages: int | None = Field(default=None, ge=1)
    timeout_worker_thread_shutdown: RealDelay | None = None
    dequeue_batch_size: int | None = Field(default=None, ge=1)
    dequeue_slow_down: RealDelay | None = None
    dequeue_time_begin: int | None = Field(default=None, ge=0, le=23)
    dequeue_time_end: int | None = Field(default=None, ge=0, le=25)
    save_on_shutdown: bool = True
    shutdown_timeout: RealTimeout = None
    sync_queue: bool = False
    connect_timeout: RealTimeout = None
    to_by_name: bool = False

    @model_validator(mode="after")
    def _of_a_kind(self) -> Self:
        watermarks = self.high_watermark is not None or self.low_watermark is not None
        if self.queue != "disk-assisted" and (watermarks or not self.save_on_shutdown):
            raise ValueError(
                "only a disk-assisted queue has watermarks and is saved at the end; "
                "set `queue: disk-assisted`"
            )
        return self

    def timers(self) -> Sequence[Timer]:
        """The durations that decide verdicts."""
        timers = list(keepalive_timers(self.keepalive))
        if self.ack_timeout is not None:
            timers.append(Timer("ack timeout", self.ack_timeout, "answer"))
        if self.user_timeout is not None:
            timers.append(Timer("user timeout", self.user_timeout, "answer"))
        return timers

    def missing(self) -> Sequence[str]:
        """What this machine lacks: it is a distribution of its own."""
        return missing()

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        ledger = str(Path(context.ledger_directory or context.directory) / "ledger")
        argv = [sys.executable, "-m", "relpio", "send", "--log-json"]
        for host in self.to:
            where = host if self.to_by_name else context.addresses[host]
            argv += ["--target", endpoint(where, self.port)]
        argv += ["--window", str(self.window), "--queue-size", str(self.queue_size)]
        argv += ["--keepalive", keepalive_argument(self.keepalive), "--ledger", ledger]
        for name, seconds in (
            ("--ack-timeout", self.ack_timeout),
            ("--user-timeout", self.user_timeout),
        ):
            argv += [name, "off" if seconds is None else f"{seconds:g}"]
        if self.connect_timeout is not None:
            argv += ["--connect-timeout", f"{self.connect_timeout:g}"]
        argv += _queue(self, context)
        on_disk = self.queue in ("disk", "disk-assisted")
        # An attempt to connect takes real time, that no scale divides.
        first = max(self.backoff, 0.01)
        argv += ["--backoff", f"{first:g}/{max(first * 60, 1):g}", "--seed", str(context.seed)]
        return ProgramSpec(
            name="relpio-send",
            argv=tuple(argv),
            env={},
            ready=Ready(event="session-open"),
            feed=Feed(),
            ledger=ledger,
            acks=True,
            # Its index has a fixed size, however many messages wait.
            probes={str(Path(context.directory) / QUEUE): "spool *.seg"} if on_disk else {},
        )


def _queue(options: RelpioSend, context: SystemContext) -> list[str]:
    argv = []
    if options.queue in ("direct", "disk"):
        argv += ["--queue-type", options.queue]
    if options.queue in ("disk", "disk-assisted"):
        argv += ["--queue-spool-directory", context.directory, "--queue-filename", QUEUE]
    for name in _QUEUE_FIGURES:
        value = getattr(options, name)
        if value is not None:
            argv += [f"--queue-{name.replace('_', '-')}", str(value)]
    for name in _QUEUE_SECONDS:
        value = getattr(options, name)
        if value is not None:
            argv += [f"--queue-{name.replace('_', '-')}", f"{value:g}"]
    if options.sync_queue:
        argv += ["--queue-sync-queue-files", "on"]
    if not options.save_on_shutdown:
        argv += ["--queue-save-on-shutdown", "off"]
    if options.shutdown_timeout is not None:
        argv += ["--shutdown-timeout", f"{options.shutdown_timeout:g}"]
    return argv
