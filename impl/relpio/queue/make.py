"""From the parameters to the queue."""

from __future__ import annotations

from relpio.logs import Log, no_log
from relpio.queue.assisted import DiskAssistedQueue
from relpio.queue.base import MessageQueue
from relpio.queue.direct import DirectQueue
from relpio.queue.disk import DiskQueue
from relpio.queue.memory import MemoryQueue
from relpio.queue.settings import QueueSettings, QueueType

__all__ = ["make_queue"]


def make_queue(settings: QueueSettings, log: Log = no_log) -> MessageQueue:
    """Open or make the queue that `settings` ask for; close it in the end.

    A fixed array and a linked list are the same here: both take memory as messages come, since an
    array of empty places would save nothing in Python.

    Raises:
        ConfigurationError: another process uses its directory.
        OSError: its directory cannot be made or read, or there is no room.
    """
    directory = settings.directory
    if settings.type is QueueType.DIRECT:
        return DirectQueue(settings.size, settings.max_octets)
    if directory is None:
        return MemoryQueue(settings.size, settings.max_octets)
    if settings.type is QueueType.DISK:
        return DiskQueue(directory, settings, log)
    return DiskAssistedQueue(directory, settings, log)
