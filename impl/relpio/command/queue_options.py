"""The options of the queues of `relpio send`, and the queues themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from relpio.command import options as values
from relpio.command.option import Option
from relpio.errors import ConfigurationError
from relpio.logs import Log
from relpio.metrics.registry import Registry
from relpio.queue.base import MessageQueue
from relpio.queue.intake import Intake
from relpio.queue.make import make_queue
from relpio.queue.settings import QueueSettings, QueueType
from relpio.sender.mover import Mover

__all__ = ["OPTIONS", "Queues", "check_queues", "queue_settings", "queues_from"]

_DEFAULT = QueueSettings()


def _on_off(text: str) -> bool:
    if text.lower() not in ("on", "off", "true", "false"):
        raise ConfigurationError(f"{text!r}: write on or off")
    return text.lower() in ("on", "true")


def _time(text: str) -> float:
    """Read a duration, which may be 0."""
    return 0.0 if text == "0" else values.duration(text)


def _time_or_never(text: str) -> float | None:
    return None if text == "never" else _time(text)


def _size(text: str) -> int:
    return 0 if text == "0" else values.size(text)


def _severity(text: str) -> int:
    names = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "off")
    if text.lower() in names:
        return names.index(text.lower())
    number = values.whole(text)
    if number > 8:
        raise ConfigurationError(f"{text!r}: write 0 to 7, or {', '.join(names[:-1])}; 8 or off")
    return number


_PARAMETERS: tuple[tuple[str, Callable[[str], Any], str | None, str, str], ...] = (
    ("spool-directory", values.path, None, "DIR", "where the directory --{0}-filename is made"),
    (
        "filename", values.text, None, "NAME",
        "directory of the {1}'s files; makes a {1} in memory disk-assisted: what does not fit goes "
        "to disk, in order, and what is left at the end as well",
    ),
    ("size", values.count, "10000", "N", "messages held, 64 MiB at most in memory; when full, "
     "inputs wait"),
    ("high-watermark", values.count, None, "N", "go to disk from so many in memory on; 90 %"),
    ("low-watermark", values.whole, None, "N", "until so many are left in memory; 70 %"),
    ("full-delay-mark", values.whole, None, "N",
     "files and standard input wait from here on; 97 %, disk-assisted: half of the high "
     "watermark; 0: off"),
    ("light-delay-mark", values.whole, None, "N",
     "sockets wait for up to 1 s from here on; 70 %; 0: off"),
    ("discard-mark", values.whole, None, "N", "from here on, drop what is not important; 98 %"),
    ("discard-severity", _severity, "8", "SEVERITY",
     "that is: this severity (0 emerg to 7 debug) and less important ones; 8: nothing"),
    ("max-disk-space", _size, "0", "OCTETS", "limit for all segments; 0: none"),
    ("max-file-size", values.size, "16m", "OCTETS", "size of a segment"),
    ("sync-queue-files", _on_off, "off", "on|off",
     "accept a message only when the disk has it (fsync), not just the kernel"),
    ("checkpoint-interval", values.whole, "0", "N",
     "with that, sync acknowledgements after so many updates; 0: at the end of a segment"),
    ("worker-threads", values.count, "1", "N", "most sessions at a time"),
    ("worker-thread-minimum-messages", values.count, None, "N",
     "one more session for each so many messages; size / worker threads"),
    ("timeout-worker-thread-shutdown", _time, "60", "S", "an idle further session ends"),
    ("dequeue-batch-size", values.count, "1024", "N", "messages taken at once"),
    ("min-dequeue-batch-size", values.whole, "0", "N", "wait until there are so many"),
    ("min-dequeue-batch-size-timeout", _time, "1", "S", "but no longer than that"),
    ("dequeue-slow-down", _time, "0", "S", "pause after each batch"),
    ("dequeue-time-begin", values.whole, "0", "HOUR", "send from this hour of the day on"),
    ("dequeue-time-end", values.whole, "25", "HOUR", "until this one; 25: always"),
    ("timeout-enqueue", _time_or_never, "never", "S",
     "drop what finds no room for so long; 0: at once; never: wait"),
    ("timeout-shutdown", _time_or_never, None, "S",
     "at the end, send for so long; by default --shutdown-timeout says"),
    ("timeout-action-completion", _time, "1", "S", "then wait for answers for so long"),
    ("save-on-shutdown", _on_off, "on", "on|off", "disk-assisted: put memory on disk at the end"),
)  # fmt: skip


def _options(prefix: str, group: str, default_type: str | None) -> tuple[Option, ...]:
    noun = group
    kinds = (
        "direct (no queue: inputs wait for the server), linkedList, fixedArray (the same), or disk"
    )
    if default_type is None:
        kinds += "; without it, there is no main queue"
    return (
        Option(f"{prefix}-type", group, QueueType.parse, default_type, "TYPE", kinds),
        *(
            Option(f"{prefix}-{name}", group, parse, default, metavar, text.format(prefix, noun))
            for name, parse, default, metavar, text in _PARAMETERS
        ),
    )


OPTIONS = (
    *_options("queue", "queue", "linkedList"),
    *_options("main-queue", "main queue", None),
)
"""rsyslog's parameters: `queue.highWatermark` is `--queue-high-watermark`."""


def queue_settings(options: Any, prefix: str = "queue") -> QueueSettings:
    """Return the settings of a queue: `queue` or `main_queue`.

    Raises:
        ConfigurationError: they do not fit together.
    """

    def given(name: str) -> Any:
        return getattr(options, f"{prefix}_{name}")

    fields = {name.replace("-", "_"): given(name.replace("-", "_")) for name, *_ in _PARAMETERS}
    fields["timeout_min_batch"] = fields.pop("min_dequeue_batch_size_timeout")
    if fields["timeout_shutdown"] is None:
        fields["timeout_shutdown"] = options.shutdown_timeout
    # The default is a good one for large queues; a small queue has small batches.
    fields["dequeue_batch_size"] = min(fields["dequeue_batch_size"], fields["size"])
    try:
        return QueueSettings(type=given("type") or QueueType.DIRECT, **fields)
    except ConfigurationError as error:
        name = "queue" if prefix == "queue" else "main queue"
        raise ConfigurationError(f"{name}: {error}") from None


def check_queues(options: Any) -> None:
    """Say whether the options of the queues fit together.

    Raises:
        ConfigurationError: they do not.
    """
    action, main = queue_settings(options), queue_settings(options, "main_queue")
    if action.directory is not None and action.directory == main.directory:
        raise ConfigurationError(
            f"main queue and queue have the same directory {action.directory}; each needs its own"
        )


@dataclass
class Queues:
    """The queues of a sender.

    Attributes:
        intake: where all inputs put their messages.
        source: the queue that sessions take them from.
        settings: the parameters of `source`, by which they do it.
        queues: all, by their names in figures; the first is the one behind `intake`.
        mover: to be run as a task when there are two.
    """

    intake: Intake
    source: MessageQueue
    settings: QueueSettings
    queues: dict[str, MessageQueue]
    mover: Mover | None = None

    def __len__(self) -> int:
        """Messages held in all queues."""
        return sum(map(len, self.queues.values()))

    async def drained(self) -> None:
        """Wait until all queues are empty, without a time limit."""
        removed = asyncio.Event()
        for queue in self.queues.values():
            queue.watchers.removed.append(removed.set)
        try:
            while len(self):
                removed.clear()
                await removed.wait()
        finally:
            for queue in self.queues.values():
                queue.watchers.removed.remove(removed.set)

    def register(self, registry: Registry) -> None:
        """Make the figures of the queues known."""
        for name, queue in self.queues.items():
            _register_queue(registry, name, queue)
        intake = self.intake
        registry.counter(
            "relpio_queue_accepted_total", "Messages accepted.", lambda: intake.accepted
        )
        text = "Messages dropped by the rules of the queue."
        for reason, read in (
            ("severity", lambda: intake.discarded_by_severity),
            ("full", lambda: intake.discarded_full),
        ):
            registry.counter("relpio_queue_discarded_total", text, read, reason=reason)

    def close(self) -> None:
        """Close the queues; what is on disk stays, what is in memory is saved if so wished."""
        for queue in self.queues.values():
            queue.close()


def _register_queue(registry: Registry, name: str, queue: MessageQueue) -> None:
    registry.gauge("relpio_queue_messages", "Messages held.", lambda: len(queue), queue=name)
    registry.gauge(
        "relpio_queue_ready", "Messages not in flight.", lambda: queue.ready, queue=name
    )  # fmt: skip


def queues_from(options: Any, log: Log) -> Queues:
    """Open the queues that the options ask for.

    With a main queue, an action queue of type direct is none: sessions take messages from the main
    queue itself.

    Raises:
        ConfigurationError: the options do not fit together, or a directory is in use.
        OSError: a directory cannot be made or read.
    """
    check_queues(options)
    action = queue_settings(options)
    if options.main_queue_type is None:
        return _one("queue", action, log)
    main = queue_settings(options, "main_queue")
    if action.type is QueueType.DIRECT:
        return _one("main", main, log)
    first = make_queue(main, log)
    try:
        second = make_queue(action, log)
    except BaseException:
        first.close()
        raise
    return Queues(
        Intake(first, main, log),
        second,
        action,
        {"main": first, "queue": second},
        Mover(first, Intake(second, action, log), main),
    )


def _one(name: str, settings: QueueSettings, log: Log) -> Queues:
    queue = make_queue(settings, log)
    return Queues(Intake(queue, settings, log), queue, settings, {name: queue})
