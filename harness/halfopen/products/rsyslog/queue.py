"""rsyslog's queues: what a scenario may set, in both languages.

Source: rsyslog's documentation, "General Queue Parameters".  What a scenario leaves out is left to
rsyslog, whose defaults differ between main, ruleset and action queues.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from halfopen.fields import Bytes, RealDelay, Section
from halfopen.products.rsyslog.script import Value

QueueType = Literal["direct", "fixed array", "linked list", "disk", "disk-assisted"]

# The type's name in rsyslog; a disk-assisted queue is one in memory with a file name.
_TYPES = {
    "direct": "Direct",
    "fixed array": "FixedArray",
    "linked list": "LinkedList",
    "disk": "Disk",
    "disk-assisted": "LinkedList",
}
# field: (RainerScript, `$` directive without its prefix)
_NAMES = {
    "size": ("queue.size", "Size"),
    "dequeue_batch_size": ("queue.dequeueBatchSize", "DequeueBatchSize"),
    "worker_threads": ("queue.workerThreads", "WorkerThreads"),
    "worker_thread_minimum_messages": (
        "queue.workerThreadMinimumMessages",
        "WorkerThreadMinimumMessages",
    ),
    "timeout_worker_thread_shutdown": (
        "queue.timeoutWorkerThreadShutdown",
        "WorkerTimeoutThreadShutdown",
    ),
    "dequeue_slow_down": ("queue.dequeueSlowDown", "DequeueSlowDown"),
    "dequeue_time_begin": ("queue.dequeueTimeBegin", "DequeueTimeBegin"),
    "dequeue_time_end": ("queue.dequeueTimeEnd", "DequeueTimeEnd"),
    "high_watermark": ("queue.highWatermark", "HighWaterMark"),
    "low_watermark": ("queue.lowWatermark", "LowWaterMark"),
    "discard_mark": ("queue.discardMark", "DiscardMark"),
    "discard_severity": ("queue.discardSeverity", "DiscardSeverity"),
    "max_disk_space": ("queue.maxDiskSpace", "MaxDiskSpace"),
    "max_file_size": ("queue.maxFileSize", "MaxFileSize"),
    "checkpoint_interval": ("queue.checkpointInterval", "CheckpointInterval"),
    "sync_files": ("queue.syncQueueFiles", "SyncQueueFiles"),
    "save_on_shutdown": ("queue.saveOnShutdown", "SaveOnShutdown"),
    "timeout_enqueue": ("queue.timeoutEnqueue", "TimeoutEnqueue"),
    "timeout_shutdown": ("queue.timeoutShutdown", "TimeoutShutdown"),
    "timeout_action_completion": (
        "queue.timeoutActionCompletion",
        "TimeoutActionCompletion",
    ),
}
_NUMBER = re.compile(r"([0-9]{1,15})([kmgtKMGT]?)")
_MULTIPLES = {"": 1} | {
    letter: base**power
    for base, letters in ((1024, "kmgt"), (1000, "KMGT"))
    for power, letter in enumerate(letters, 1)
}
# What rsyslog counts in one second: it takes whole milliseconds, or microseconds.
_IN_A_SECOND = {
    "timeout_worker_thread_shutdown": 1000,
    "timeout_enqueue": 1000,
    "timeout_shutdown": 1000,
    "timeout_action_completion": 1000,
    "dequeue_slow_down": 1_000_000,
}


class Queue(Section):
    """One of rsyslog's queues; what is left out is as rsyslog has it.

    Attributes:
        type: disk-assisted is a linked list in memory that spills to disk.
        size: messages.
        dequeue_batch_size: messages.
        worker_threads: at most.
        worker_thread_minimum_messages: waiting messages for each additional worker.
        timeout_worker_thread_shutdown: after which an idle worker ends; real time.
        dequeue_slow_down: pause after each batch; real time.
        dequeue_time_begin: hour of the day from which on messages are taken out, 0 to 23.
        dequeue_time_end: hour until which they are, 25 for always.
        high_watermark: messages from which on a disk-assisted queue spills.
        low_watermark: messages at which it stops that.
        discard_mark: messages from which on the less important are thrown away.
        discard_severity: these are: 0 (emergency) to 7 (debug), 8 for none.
        max_disk_space: of all files of the spool together.
        max_file_size: of a file of the spool.
        checkpoint_interval: updates after which the state is written, 0 for never.
        sync_files: fsync of data and state.
        save_on_shutdown: what is in memory goes to disk then.
        timeout_enqueue: how long a message waits for room, 0 for not at all; real time.
        timeout_shutdown: time to empty the queue at the end; real time.
        timeout_action_completion: time on top of that for what is being done; real time.
    """

    type: QueueType | None = None
    size: int | None = Field(default=None, ge=1)
    dequeue_batch_size: int | None = Field(default=None, ge=1)
    worker_threads: int | None = Field(default=None, ge=1)
    worker_thread_minimum_messages: int | None = Field(default=None, ge=1)
    timeout_worker_thread_shutdown: RealDelay | None = None
    dequeue_slow_down: RealDelay | None = None
    dequeue_time_begin: int | None = Field(default=None, ge=0, le=23)
    dequeue_time_end: int | None = Field(default=None, ge=0, le=25)
    high_watermark: int | None = Field(default=None, ge=0)
    low_watermark: int | None = Field(default=None, ge=0)
    discard_mark: int | None = Field(default=None, ge=0)
    discard_severity: int | None = Field(default=None, ge=0, le=8)
    max_disk_space: Bytes | None = None
    max_file_size: Annotated[Bytes, Field(ge=1024)] | None = None
    checkpoint_interval: int | None = Field(default=None, ge=0)
    sync_files: bool | None = None
    save_on_shutdown: bool | None = None
    timeout_enqueue: RealDelay | None = None
    timeout_shutdown: RealDelay | None = None
    timeout_action_completion: RealDelay | None = None

    @model_validator(mode="after")
    def _of_a_kind(self) -> Self:
        spills = self.type == "disk-assisted"
        if not spills and (self.high_watermark is not None or self.low_watermark is not None):
            raise ValueError("only a disk-assisted queue has watermarks; set `type: disk-assisted`")
        if self.type == "direct" and any(getattr(self, name) is not None for name in _NAMES):
            raise ValueError("a direct queue holds nothing and has no settings; leave them out")
        return self

    @property
    def on_disk(self) -> bool:
        """True if it has files."""
        return self.type in ("disk", "disk-assisted")


def script_values(queue: Queue | None, file_name: str) -> dict[str, Value]:
    """The parameters in RainerScript.

    Args:
        queue: None: as rsyslog has it.
        file_name: of its files, if it has any.
    """
    return _values(queue, file_name, 0, "queue.type", "queue.filename")


def directive_values(queue: Queue | None, file_name: str, prefix: str) -> dict[str, Value]:
    """The `$` directives, without the $.

    Args:
        queue: None: as rsyslog has it.
        file_name: of its files, if it has any.
        prefix: `MainMsgQueue` or `ActionQueue`.
    """
    values = _values(queue, file_name, 1, "Type", "FileName")
    return {prefix + name: value for name, value in values.items()}


def _values(
    queue: Queue | None, file_name: str, language: int, type_: str, file: str
) -> dict[str, Value]:
    if queue is None:
        return {}
    found: dict[str, Value] = {}
    if queue.type is not None:
        found[type_] = _TYPES[queue.type]
    if queue.on_disk:
        found[file] = file_name
    for field, names in _NAMES.items():
        value = getattr(queue, field)
        if value is not None and field in _IN_A_SECOND:
            value = round(value * _IN_A_SECOND[field])
        found[names[language]] = value
    return found


def queue_of(parameters: Mapping[str, str], prefix: str = "") -> Queue | None:
    """The queue that parameters set, as rsyslog's configuration has them; None if they set none.

    Args:
        parameters: values by name in lower case: of RainerScript, or of `$` directives.
        prefix: of directives, in lower case, such as `actionqueue`; empty for RainerScript.

    Raises:
        ValueError: one of them is not known, or cannot be as it is.
    """
    language, type_, file = (
        (1, "type", "filename") if prefix else (0, "queue.type", "queue.filename")
    )
    fields = {prefix + names[language].lower(): field for field, names in _NAMES.items()}
    given: dict[str, object] = {}
    for name, value in parameters.items():
        if name in (prefix + type_, prefix + file) or not name.startswith(prefix or "queue."):
            continue
        if name not in fields:
            raise ValueError(f"no scenario has {name}")
        given[fields[name]] = _given(fields[name], name, value)
    if type_ := parameters.get(prefix + type_, ""):
        kinds = {text.lower(): kind for kind, text in reversed(_TYPES.items())}
        if type_.lower() not in kinds:
            raise ValueError(f"{type_[:40]!r} is not a type of queue")
        given["type"] = kinds[type_.lower()]
        if given["type"] in ("linked list", "fixed array") and parameters.get(prefix + file):
            given["type"] = "disk-assisted"
    if not given:
        return None
    try:
        return Queue.model_validate(given)
    except ValidationError as error:
        raise ValueError(str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from None


def _given(field: str, name: str, value: str) -> object:
    if value.lower() in ("on", "off"):
        return value.lower() == "on"
    match = _NUMBER.fullmatch(value)
    if match is None:
        raise ValueError(f"{name} is {value[:40]!r}, which is not a number")
    number = int(match[1]) * _MULTIPLES[match[2]]
    return number / _IN_A_SECOND[field] if field in _IN_A_SECOND else number
