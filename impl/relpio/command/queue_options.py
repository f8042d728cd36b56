"""The options of the queues of `relpio send`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from relpio.command import values
from relpio.command.options import Option
from relpio.errors import ConfigurationError
from relpio.queue.settings import QueueSettings, QueueType
from relpio.sender.queues import check_directories

__all__ = ["OPTIONS", "all_queue_settings", "queue_settings"]

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
        "directory of the {1}'s files; makes a {1} in memory disk-assisted: messages that do "
        "not fit go to disk, in order, and so does what is left at exit",
    ),
    ("size", values.count, "10000", "N",
     "most messages held (and 64 MiB in memory); when full, inputs wait"),
    ("high-watermark", values.count, None, "N",
     "start writing to disk at this many in memory; 90 %"),
    ("low-watermark", values.whole, None, "N", "stop at this many in memory; 70 %"),
    ("full-delay-mark", values.whole, None, "N",
     "files and standard input wait from this many on; 97 %, disk-assisted: half of the high "
     "watermark; 0: off"),
    ("light-delay-mark", values.whole, None, "N",
     "sockets wait up to 1 s from this many on; 70 %; 0: off"),
    ("discard-mark", values.whole, None, "N", "drop unimportant messages from this many on; 98 %"),
    ("discard-severity", _severity, "8", "SEVERITY",
     "unimportant: this severity (0 emerg to 7 debug) or less; 8: nothing"),
    ("max-disk-space", _size, "0", "BYTES", "limit for all segments; 0: none"),
    ("max-file-size", values.size, "16m", "BYTES", "size of a segment"),
    ("sync-queue-files", _on_off, "off", "on|off",
     "accept a message only when the disk has it (fsync), not just the kernel"),
    ("checkpoint-interval", values.whole, "0", "N",
     "with that, sync acknowledgements after this many updates; 0: at the end of a segment"),
    ("worker-threads", values.count, "1", "N", "most sessions at a time"),
    ("worker-thread-minimum-messages", values.count, None, "N",
     "messages for each additional session; size / worker threads"),
    ("timeout-worker-thread-shutdown", _time, "60", "S",
     "time until an idle additional session ends"),
    ("dequeue-batch-size", values.count, "1024", "N", "most messages taken at once"),
    ("min-dequeue-batch-size", values.whole, "0", "N", "wait for this many messages"),
    ("min-dequeue-batch-size-timeout", _time, "1", "S", "but no longer than this"),
    ("dequeue-slow-down", _time, "0", "S", "pause after each batch"),
    ("dequeue-time-begin", values.whole, "0", "HOUR", "send from this hour of the day on"),
    ("dequeue-time-end", values.whole, "25", "HOUR", "until this one; 25: always"),
    ("timeout-enqueue", _time_or_never, "never", "S",
     "drop a message that finds no room for this long; 0: at once; never: wait"),
    ("timeout-shutdown", _time_or_never, None, "S",
     "at exit, send for this long; by default --shutdown-timeout"),
    ("timeout-action-completion", _time, "1", "S", "then wait this long for answers"),
    ("save-on-shutdown", _on_off, "on", "on|off", "disk-assisted: write memory to disk at exit"),
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


def all_queue_settings(options: Any) -> tuple[QueueSettings, QueueSettings | None]:
    """Return the settings of the queue, and of the main queue if there is one.

    Raises:
        ConfigurationError: the options do not fit together.
    """
    action = queue_settings(options)
    main = queue_settings(options, "main_queue")  # checked, even if no main queue is asked for
    check_directories(action, main)
    return action, None if options.main_queue_type is None else main
