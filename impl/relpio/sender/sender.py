"""The sender: a queue, and workers that keep sessions to the servers."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable, Sequence
from types import TracebackType

from relpio.errors import LocalProtocolError
from relpio.logs import Log, no_log
from relpio.metrics.registry import Registry
from relpio.protocol.events import Refused
from relpio.queue.base import MessageQueue
from relpio.queue.intake import FlowControl, Intake, Offered
from relpio.queue.memory import MemoryQueue
from relpio.queue.policy import wanted_workers
from relpio.sender.deadletters import DeadLetters
from relpio.sender.refusals import Refusals
from relpio.sender.settings import SenderSettings
from relpio.sender.worker import Worker

__all__ = ["Sender", "SenderSettings"]


class Sender:
    """Delivers messages at least once, in order, for as long as it takes.

        async with Sender(SenderSettings(targets=[TcpAddress("127.0.0.1", 2514)])) as sender:
            await sender.put([b"<13>hello"])
            await sender.drain()

    After the loss of a session everything without an answer is sent again, in its first order, so
    up to one window of messages may arrive twice. A refused message (an answer other than 200)
    waits for a back-off of its own, while later ones go on; so does one at which the server drops
    the session. With more than one worker there is no order between their sessions.
    """

    def __init__(
        self,
        settings: SenderSettings,
        *,
        queue: MessageQueue | None = None,
        intake: Intake | None = None,
        log: Log = no_log,
        on_acked: Callable[[Sequence[int]], None] | None = None,
        on_dead: Callable[[Sequence[int]], None] | None = None,
    ) -> None:
        """Prepare; nothing happens before `async with`, but the files that TLS needs are read.

        Args:
            settings: how to behave.
            queue: where messages wait; by default a `MemoryQueue`.
            intake: takes what is `put`; by default one that puts it into `queue`, by the marks
                and the enqueue timeout of `settings.dequeue`, and so by default waits for room.
            log: takes log events.
            on_acked: called with the queue's numbers of messages that a server took. In a new
                queue messages are numbered from 1 in the order of `put`.
            on_dead: the same for messages that went to the file of dead letters.

        Raises:
            ConfigurationError: TLS cannot be set up.
            OSError: the file of dead letters cannot be opened.
        """
        self.settings = settings
        self.acked = 0
        self.refused = 0
        self.lost_sessions = 0
        self.resent = 0
        self._queue: MessageQueue = MemoryQueue() if queue is None else queue
        self._intake = intake or Intake(self._queue, settings.dequeue, log)
        self._log = log
        self._on_acked = on_acked
        self._context = _context(settings)
        self._rng = random.Random(settings.seed)
        self._workers: dict[Worker, asyncio.Task[None]] = {}
        self._next_worker = 1
        self._failure: asyncio.Task[None] | None = None
        self._has_failed = asyncio.Event()
        self._over = asyncio.Event()  # failed, or closed
        self._refusals = Refusals(self._queue, settings.backoff, self._rng)
        self._acked_at_drop = 0
        self._running = False
        self._changed = asyncio.Event()  # the queue has lost a message: room, or even empty
        self._idle_check: asyncio.TimerHandle | None = None
        path = settings.dead_letters
        self._dead = None if path is None else DeadLetters(path, self._queue, log, on_dead)

    async def __aenter__(self) -> Sender:
        """Start to connect."""
        self._running = True
        self._queue.watchers.added.append(self._on_added)
        self._queue.watchers.removed.append(self._changed.set)
        self._start_worker()
        self._on_added()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, with the default limit of `close`."""
        await self.close()

    @property
    def dead(self) -> int:
        """Messages that went to the file of dead letters."""
        return 0 if self._dead is None else self._dead.kept

    @property
    def sessions(self) -> int:
        """Sessions that are open."""
        return sum(worker.open for worker in self._workers)

    @property
    def unacknowledged(self) -> int:
        """Messages that were sent and have no answer, over all sessions."""
        return sum(worker.unacknowledged for worker in self._workers)

    @property
    def accepted(self) -> int:
        """Messages that the intake accepted."""
        return self._intake.accepted

    async def put(self, messages: Sequence[bytes], flow: FlowControl = FlowControl.FULL) -> Offered:
        """Offer messages to the queue; return when the accepted ones are safe there.

        Args:
            messages: in order.
            flow: how long the caller can wait.

        Raises:
            LocalProtocolError: the sender is not running, or was closed meanwhile.
        """
        self._check_running()
        offering = asyncio.ensure_future(self._intake.offer(messages, flow))
        over = asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait([offering, over], return_when=asyncio.FIRST_COMPLETED)
            if not offering.done():
                self._check_running()
            return await offering
        finally:
            offering.cancel()
            over.cancel()

    async def drain(self) -> None:
        """Wait until the queue is empty, without a time limit."""
        while len(self._queue):
            self._check_running()
            self._changed.clear()
            await self._changed.wait()

    async def failed(self) -> None:
        """Wait until a bug has ended a worker, which nothing else does; raise what it was."""
        await self._has_failed.wait()
        self._check_running()

    async def close(self, timeout: float = 5.0) -> None:
        """Send no more, await the answers to what was sent, close in order: for `timeout` s.

        What is still in the queue stays there. The queue is its owner's to close.
        """
        if not self._running:
            return
        self._running = False
        self._over.set()
        self._queue.watchers.added.remove(self._on_added)
        self._queue.watchers.removed.remove(self._changed.set)
        if self._idle_check is not None:
            self._idle_check.cancel()
        workers = dict(self._workers)
        for worker, task in workers.items():
            worker.stop(task)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        if workers:
            _, late = await asyncio.wait(workers.values(), timeout=timeout)
            if late:
                for worker in workers:
                    worker.abandon()
                await asyncio.wait(late)
        self._refusals.close()
        if self._dead is not None:
            await self._dead.close(max(0.0, deadline - loop.time()))
        if self._failure is not None:
            self._failure.result()

    def reload(self, settings: SenderSettings | None = None) -> None:
        """Take new settings and read the files of TLS again, for sessions from now on.

        A session with a server that is no longer a target is closed in order.

        Args:
            settings: new ones; dead letters, queue and seed stay as they are. None keeps all.

        Raises:
            ConfigurationError: a file is of no use; then everything stays as it was.
        """
        new = self.settings if settings is None else settings
        self._context = _context(new)
        self.settings = new
        self._refusals.policy = new.backoff
        for worker in self._workers:
            worker.reload(new, self._context)

    def register(self, registry: Registry) -> None:
        """Make the sender's metrics known."""
        gauge, counter = registry.gauge, registry.counter
        gauge("relpio_sender_sessions", "Sessions that are open.", lambda: self.sessions)
        gauge(
            "relpio_sender_unacknowledged",
            "Messages sent and not answered: the part of all windows that is in use.",
            lambda: self.unacknowledged,
        )
        for name, text, read in (
            ("acks", "Messages that a server acknowledged.", lambda: self.acked),
            ("nacks", "Answers other than 200.", lambda: self.refused),
            ("lost_sessions", "Sessions lost or not made.", lambda: self.lost_sessions),
            ("resent", "Messages to send again after a loss.", lambda: self.resent),
            ("dead_letters", "Messages put aside after refusals.", lambda: self.dead),
        ):
            counter(f"relpio_sender_{name}_total", text, read)

    # WorkerOwner

    def messages_acked(self, numbers: Sequence[int]) -> None:
        """Called by a worker."""
        self.acked += len(numbers)
        if self._refusals:
            for number in numbers:
                self._refusals.forget(number)
        if self._on_acked is not None:
            self._on_acked(numbers)

    def message_refused(self, number: int, message: bytes, refusal: Refused) -> bool:
        """Called by a worker."""
        self.refused += 1
        return self._put_aside(number, message, refusal.code, refusal.text, counts=True)

    def message_dropped(self, number: int, message: bytes) -> bool:
        """Called by a worker."""
        # It counts when others got through since the last time: else the server is the trouble.
        counts = self.acked != self._acked_at_drop
        self._acked_at_drop = self.acked
        text = "the server ends the session when it is sent alone"
        return self._put_aside(number, message, 0, text, counts=counts)

    def _put_aside(
        self, number: int, message: bytes, code: int, text: str, *, counts: bool
    ) -> bool:
        retries = self.settings.nack_retries
        if (
            counts
            and retries is not None
            and self._dead is not None
            and self._refusals.count(number) > retries
        ):
            self._refusals.forget(number)
            self._dead.take(number, message, code, text)
            return True
        if self._refusals.full:
            return False
        seconds = self._refusals.hold(number)
        self._log("nack", message=number, code=code, text=text, retry_seconds=round(seconds, 3))
        return True

    def session_lost(self, unacknowledged: int) -> None:
        """Called by a worker."""
        self.lost_sessions += 1
        self.resent += unacknowledged

    # Workers

    def _on_added(self) -> None:
        for worker in list(self._workers):
            worker.pump()
        policy = self.settings.dequeue
        if policy is not None and policy.worker_threads > 1 and self._running:
            while len(self._workers) < wanted_workers(self._queue.ready, policy):
                self._start_worker()

    def _start_worker(self) -> None:
        log = self._log
        if self.settings.workers > 1:
            number = self._next_worker
            self._next_worker += 1

            def log(event: str, /, **fields: object) -> None:
                self._log(event, **fields, worker=number)

        worker = Worker(self, self.settings, self._queue, log, self._rng, self._context)
        task = asyncio.create_task(worker.run(), name="relpio-sender")
        self._workers[worker] = task
        task.add_done_callback(lambda _: self._ended(worker, task))
        self._check_idle()

    def _ended(self, worker: Worker, task: asyncio.Task[None]) -> None:
        self._workers.pop(worker, None)
        if not task.cancelled() and task.exception() is not None:
            self._failure = task
            self._has_failed.set()
            self._over.set()
        # Whoever waits for the queue must learn that nobody will empty it any more.
        self._changed.set()

    def _check_idle(self) -> None:
        """End workers beyond the first that have had nothing to do for long."""
        policy = self.settings.dequeue
        if policy is None or policy.worker_threads == 1 or not self._running:
            return
        limit = policy.timeout_worker_thread_shutdown
        for worker in list(self._workers)[1:]:
            worker.leave_if_idle(limit)
        if self._idle_check is not None:
            self._idle_check.cancel()
        self._idle_check = asyncio.get_running_loop().call_later(
            max(limit, 0.1) / 2, self._check_idle
        )

    def _check_running(self) -> None:
        if self._failure is not None:
            self._failure.result()
        if not self._running:
            raise LocalProtocolError("the sender is not running: use it in `async with`")


def _context(settings: SenderSettings) -> ssl.SSLContext | None:
    return None if settings.tls is None else settings.tls.client_context()
