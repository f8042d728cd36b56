"""The queues of a sender: one, or two after each other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from relpio.errors import ConfigurationError
from relpio.logs import Log, no_log
from relpio.metrics.registry import Registry
from relpio.queue.base import MessageQueue
from relpio.queue.intake import Intake
from relpio.queue.make import make_queue
from relpio.queue.settings import QueueSettings, QueueType
from relpio.sender.bridge import QueueBridge

__all__ = ["Queues", "check_directories", "open_queues"]


@dataclass
class Queues:
    """The queues of a pipeline.

    Attributes:
        intake: where all inputs put their messages.
        source: the queue that sessions take them from.
        settings: the parameters of `source`, by which they do it.
        queues: all, by their names in metrics; the first is the one behind `intake`.
        durable: names of those whose messages outlive the process.
        bridge: to be run as a task when there are two.
    """

    intake: Intake
    source: MessageQueue
    settings: QueueSettings
    queues: dict[str, MessageQueue]
    durable: frozenset[str]
    bridge: QueueBridge | None = None

    def __len__(self) -> int:
        """Messages held in all queues."""
        return sum(map(len, self.queues.values()))

    @property
    def lost(self) -> int:
        """Messages that were found damaged or missing on disk."""
        return sum(queue.lost for queue in self.queues.values())

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
        """Register the metrics of the queues."""
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
        self.intake.close()
        if self.bridge is not None:
            self.bridge.close()
        for queue in self.queues.values():
            queue.close()


def _register_queue(registry: Registry, name: str, queue: MessageQueue) -> None:
    registry.gauge("relpio_queue_messages", "Messages held.", lambda: len(queue), queue=name)
    registry.gauge(
        "relpio_queue_ready", "Messages not in flight.", lambda: queue.ready, queue=name
    )  # fmt: skip

    registry.counter(
        "relpio_queue_lost_total",
        "Messages found damaged or missing on the queue's disk.",
        lambda: queue.lost,
        queue=name,
    )


def check_directories(action: QueueSettings, main: QueueSettings | None) -> None:
    """Check that two queues do not share a directory.

    Raises:
        ConfigurationError: they do.
    """
    if main is not None and action.directory is not None and action.directory == main.directory:
        raise ConfigurationError(
            f"main queue and queue have the same directory {action.directory}; each needs its own"
        )


def open_queues(
    action: QueueSettings, main: QueueSettings | None = None, log: Log = no_log
) -> Queues:
    """Open the queue that sessions are fed from, and with `main` one before it, as in rsyslog.

    With a main queue, an action queue of type direct is none: sessions take messages from the main
    queue itself.

    Raises:
        ConfigurationError: the two share a directory, or a directory is in use.
        OSError: a directory cannot be made or read.
    """
    check_directories(action, main)
    if main is None:
        return _one("queue", action, log)
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
        _durable(main=main, queue=action),
        QueueBridge(first, Intake(second, action, log), main),
    )


def _one(name: str, settings: QueueSettings, log: Log) -> Queues:
    queue, durable = make_queue(settings, log), _durable(**{name: settings})
    return Queues(Intake(queue, settings, log), queue, settings, {name: queue}, durable)


def _durable(**named: QueueSettings) -> frozenset[str]:
    return frozenset(
        name for name, settings in named.items()
        if settings.directory is not None
        and (settings.save_on_shutdown or not settings.disk_assisted)
    )  # fmt: skip
