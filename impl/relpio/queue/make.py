"""From the parameters to the queue."""

from __future__ import annotations

from pathlib import Path

from relpio.errors import ConfigurationError
from relpio.logs import Log, no_log
from relpio.queue.assisted import PARTS, DiskAssistedQueue
from relpio.queue.base import MessageQueue
from relpio.queue.direct import DirectQueue
from relpio.queue.disk import DiskQueue
from relpio.queue.memory import MemoryQueue
from relpio.queue.positions import NAMES as POSITION_NAMES
from relpio.queue.settings import QueueSettings, QueueType

__all__ = ["make_queue"]


def make_queue(settings: QueueSettings, log: Log = no_log) -> MessageQueue:
    """Open or make the queue that `settings` ask for; close it in the end.

    A fixed array and a linked list are the same here: both take memory as messages come, since an
    array of empty places would save nothing in Python.

    Raises:
        ConfigurationError: another process uses its directory, or it holds the other type.
        OSError: its directory cannot be made or read, or there is no room.
    """
    directory = settings.directory
    if settings.type is QueueType.DIRECT:
        return DirectQueue(settings.size, settings.max_bytes)
    if directory is None:
        return MemoryQueue(settings.size, settings.max_bytes)
    _check_type(directory, settings)
    if settings.type is QueueType.DISK:
        return DiskQueue(directory, settings, log)
    return DiskAssistedQueue(directory, settings, log)


def _check_type(directory: Path, settings: QueueSettings) -> None:
    """Refuse to overlook messages that a queue of the other type has left here."""
    other = POSITION_NAMES if settings.disk_assisted else PARTS
    if any((directory / name).exists() for name in other):
        wanted, there = "disk", "disk-assisted"
        if settings.disk_assisted:
            wanted, there = there, wanted
        raise ConfigurationError(
            f"{directory} holds a {there} queue, but a {wanted} one is configured; drain it "
            f"with the old settings, and remove it when `relpio queue show {directory}` finds "
            "no message, or choose another filename"
        )
