"""The parameters of a queue, with rsyslog's names and meaning.

Times are in seconds (rsyslog: milliseconds, `dequeueSlowDown` microseconds). What rsyslog repairs
in silence is an error here, with what would be right.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from relpio.errors import ConfigurationError

__all__ = ["Marks", "QueueSettings", "QueueType"]

MIN_FILE_SIZE = 1024
"""Least size of a segment in bytes, as in rsyslog."""


class QueueType(Enum):
    """Where messages wait."""

    DIRECT = "direct"
    FIXED_ARRAY = "fixedArray"
    LINKED_LIST = "linkedList"
    DISK = "disk"

    @classmethod
    def parse(cls, text: str) -> QueueType:
        """Read a type as rsyslog does: in any case.

        Raises:
            ConfigurationError: there is no such type.
        """
        for kind in cls:
            if text.lower() == kind.value.lower():
                return kind
        names = ", ".join(kind.value for kind in cls)
        raise ConfigurationError(f"{text!r} is not a type of queue: use one of {names}")


@dataclass(frozen=True)
class Marks:
    """The marks of a queue in messages, after defaults; 0 is off."""

    high: int
    low: int
    full_delay: int
    light_delay: int
    discard: int


@dataclass(frozen=True, kw_only=True)
class QueueSettings:
    """How a queue behaves. Times are in seconds, sizes in bytes, marks in messages.

    Attributes:
        type: where messages wait.
        spool_directory: directory that holds the queue's own directory; it must exist.
        filename: name of the queue's directory in there. A queue in memory that has one is
            disk-assisted.
        size: most messages; of a disk-assisted queue, most in memory.
        max_bytes: most bytes in memory. rsyslog has no such limit.
        high_watermark: a disk-assisted queue that holds so many in memory moves the newest to
            disk; None is 90 % of `size`.
        low_watermark: until so many are left in memory; None is 70 % of `size`.
        full_delay_mark: inputs that can wait forever (files) do so from here on; None is 97 % of
            `size`, in a disk-assisted queue at most half of the high watermark; 0 is off.
        light_delay_mark: inputs that can wait a little (sockets) do so from here on; None is 70 %.
        discard_mark: from here on, messages of `discard_severity` and less important ones are
            dropped; None is 98 %; 0 is off.
        discard_severity: 0 (emergency) to 7 (debug); 8 drops nothing.
        max_disk_space: limit for all segments together; 0 is none.
        max_file_size: size at which a segment is sealed and the next one begins.
        sync_queue_files: `commit` returns after fsync of data and directory.
        checkpoint_interval: with `sync_queue_files`, also sync the acknowledged positions after so
            many updates, so that a loss of power repeats fewer messages; 0 leaves it to segment
            ends and to the end of the process.
        worker_threads: most sessions that take messages at a time.
        worker_thread_minimum_messages: messages for each additional worker; None is
            `size` / `worker_threads`.
        timeout_worker_thread_shutdown: an idle worker beyond the first leaves after so long.
        dequeue_batch_size: most messages a worker takes at once.
        min_dequeue_batch_size: a worker waits for this many messages; 0 does not wait.
        timeout_min_batch: but not longer than this after the first.
        dequeue_slow_down: pause after each batch.
        dequeue_time_begin: hour of the local day from which on messages are taken.
        dequeue_time_end: hour at which that ends; 25 is no window.
        timeout_enqueue: wait this long for room, then drop; 0 drops at once; None waits for
            ever, which is the default here (rsyslog: 2 s), since nothing may be lost by default.
        timeout_shutdown: at the end, keep sending for this long.
        timeout_action_completion: then wait this long for answers.
        save_on_shutdown: then put the memory of a disk-assisted queue on disk.
    """

    type: QueueType = QueueType.LINKED_LIST
    spool_directory: Path | None = None
    filename: str | None = None
    size: int = 10_000
    max_bytes: int = 64 * 1024 * 1024
    high_watermark: int | None = None
    low_watermark: int | None = None
    full_delay_mark: int | None = None
    light_delay_mark: int | None = None
    discard_mark: int | None = None
    discard_severity: int = 8
    max_disk_space: int = 0
    max_file_size: int = 16 * 1024 * 1024
    sync_queue_files: bool = False
    checkpoint_interval: int = 0
    worker_threads: int = 1
    worker_thread_minimum_messages: int | None = None
    timeout_worker_thread_shutdown: float = 60.0
    dequeue_batch_size: int = 1024
    min_dequeue_batch_size: int = 0
    timeout_min_batch: float = 1.0
    dequeue_slow_down: float = 0.0
    dequeue_time_begin: int = 0
    dequeue_time_end: int = 25
    timeout_enqueue: float | None = None
    timeout_shutdown: float = 1.5
    timeout_action_completion: float = 1.0
    save_on_shutdown: bool = True

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        for name, lowest in _LOWEST.items():
            value = getattr(self, name)
            if value is not None and value < lowest:
                raise ConfigurationError(f"{name} is {value}; it must be at least {lowest}")
        if self.discard_severity > 8:
            raise ConfigurationError(
                "discard_severity is 0 (emergency) to 7 (debug), or 8 to drop nothing"
            )
        if self.dequeue_time_begin > 23 or self.dequeue_time_end not in {*range(25), 25}:
            raise ConfigurationError(
                "dequeue_time_begin is an hour, 0 to 23; dequeue_time_end 0 to 24, or 25 for none"
            )
        if self.dequeue_time_begin == self.dequeue_time_end:
            raise ConfigurationError(
                "dequeue_time_begin and dequeue_time_end are the same hour, so nothing would ever "
                "be sent; write 0 and 25 for no window"
            )
        self._check_files()
        self._check_marks()
        if self.min_dequeue_batch_size > min(self.dequeue_batch_size, self.size):
            raise ConfigurationError(
                f"min_dequeue_batch_size {self.min_dequeue_batch_size} must not exceed "
                f"dequeue_batch_size {self.dequeue_batch_size} or size {self.size}"
            )

    @property
    def directory(self) -> Path | None:
        """Where the queue's files are; None for a queue in memory alone."""
        if self.filename is None or self.type is QueueType.DIRECT:
            return None
        return (self.spool_directory or Path()) / self.filename

    @property
    def disk_assisted(self) -> bool:
        """A queue in memory that goes on on disk."""
        return self.directory is not None and self.type is not QueueType.DISK

    @property
    def marks(self) -> Marks:
        """The marks, with percentages of `size` where none is given."""

        def mark(given: int | None, percent: int) -> int:
            # Integer arithmetic as in rsyslog; a small queue must not get a mark of 0 (= off).
            return max(1, self.size * percent // 100) if given is None else given

        # rsyslog fills in 90 and 70 % each for itself; a given one must keep its place here.
        high = mark(self.high_watermark, 90)
        low = mark(self.low_watermark, 70)
        if self.high_watermark is None:
            high = min(self.size, max(high, low + 1))
        if self.low_watermark is None:
            low = min(low, high - 1)
        full = mark(self.full_delay_mark, 97)
        if self.disk_assisted and self.full_delay_mark is None:
            full = min(full, max(1, high // 2))
        light = mark(self.light_delay_mark, 70)
        return Marks(high, low, full, light, mark(self.discard_mark, 98))

    @property
    def messages_per_worker(self) -> int:
        """How many messages call for one more worker."""
        if self.worker_thread_minimum_messages is None:
            return max(1, self.size // self.worker_threads)
        return self.worker_thread_minimum_messages

    def _check_files(self) -> None:
        if self.filename is not None and (
            not self.filename or "/" in self.filename or self.filename in {".", ".."}
        ):
            raise ConfigurationError(
                f"filename {self.filename!r} must be a plain name; the directory that it lies in "
                "is spool_directory"
            )
        if self.type is QueueType.DISK and self.filename is None:
            raise ConfigurationError("a queue of type disk needs a filename")
        if 0 < self.max_disk_space < 2 * self.max_file_size:
            raise ConfigurationError(
                f"max_disk_space {self.max_disk_space} must be 0 (no limit) or at least twice "
                f"max_file_size {self.max_file_size}, because a segment is deleted as a whole"
            )

    def _check_marks(self) -> None:
        for name in ("full_delay_mark", "light_delay_mark", "discard_mark"):
            value = getattr(self, name)
            if value is not None and value > self.size:
                raise ConfigurationError(
                    f"{name} {value} must not exceed size {self.size}; 0 switches it off"
                )
        if not self.disk_assisted:
            return
        marks = self.marks
        if not 0 <= marks.low < marks.high <= self.size:
            raise ConfigurationError(
                f"low_watermark {marks.low} must be below high_watermark {marks.high}, and that "
                f"must not exceed size {self.size}"
            )


_LOWEST: dict[str, float] = {
    "size": 1,
    "max_bytes": 1,
    "high_watermark": 1,
    "low_watermark": 0,
    "full_delay_mark": 0,
    "light_delay_mark": 0,
    "discard_mark": 0,
    "discard_severity": 0,
    "max_disk_space": 0,
    "max_file_size": MIN_FILE_SIZE,
    "checkpoint_interval": 0,
    "worker_threads": 1,
    "worker_thread_minimum_messages": 1,
    "timeout_worker_thread_shutdown": 0,
    "dequeue_batch_size": 1,
    "min_dequeue_batch_size": 0,
    "timeout_min_batch": 0,
    "dequeue_slow_down": 0,
    "dequeue_time_begin": 0,
    "dequeue_time_end": 0,
    "timeout_enqueue": 0,
    "timeout_shutdown": 0,
    "timeout_action_completion": 0,
}
