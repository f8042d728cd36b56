"""The sender: a queue, and a session to the server that is made anew whenever it is lost."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from relpio.errors import ConfigurationError, LocalProtocolError
from relpio.logs import Log, no_log
from relpio.net.addresses import resolve
from relpio.net.sockopts import Keepalive, check_user_timeout
from relpio.net.transport import Ending
from relpio.protocol.client import ClientSettings
from relpio.protocol.events import LossReason
from relpio.queue.memory import MemoryQueue, MessageQueue
from relpio.sender.backoff import Backoff, BackoffPolicy
from relpio.sender.link import Link

__all__ = ["Sender", "SenderSettings"]


@dataclass(frozen=True, kw_only=True)
class SenderSettings:
    """How a sender behaves. Times are in seconds.

    Attributes:
        host: name or address of the server.
        port: its TCP port.
        session: window and timers of a session.
        connect_timeout: limit for name look-up and TCP connect together.
        keepalive: TCP keepalive; None is off.
        user_timeout: TCP_USER_TIMEOUT; None is off.
        backoff: waits between attempts.
        local_address: address to send from; None leaves it to the kernel.
        seed: makes the jitter of the back-off repeatable.
    """

    host: str
    port: int
    session: ClientSettings = field(default_factory=ClientSettings)
    connect_timeout: float = 10.0
    keepalive: Keepalive | None = field(default_factory=Keepalive)
    user_timeout: float | None = None
    backoff: BackoffPolicy = field(default_factory=BackoffPolicy)
    local_address: str | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if self.connect_timeout <= 0:
            raise ConfigurationError("connect_timeout must be above 0")
        check_user_timeout(self.user_timeout)


class Sender:
    """Delivers messages at least once, in order, for as long as it takes.

        async with Sender(SenderSettings(host="127.0.0.1", port=2514)) as sender:
            await sender.put([b"<13>hello"])
            await sender.drain()

    After the loss of a session everything without an answer is sent again, in its first order, so
    up to one window of messages may arrive twice. A refused message (an answer other than 200)
    stays first in the queue, and the sender pauses for the back-off, so that order is kept.
    """

    def __init__(
        self,
        settings: SenderSettings,
        *,
        queue: MessageQueue | None = None,
        log: Log = no_log,
        on_acked: Callable[[Sequence[int]], None] | None = None,
    ) -> None:
        """Prepare; nothing happens before `async with`.

        Args:
            settings: how to behave.
            queue: where messages wait; by default a `MemoryQueue`.
            log: takes log events.
            on_acked: called with the numbers of messages that the server took. Messages are
                numbered from 1 in the order of `put`.
        """
        self.settings = settings
        self.accepted = 0
        self.acked = 0
        self._queue: MessageQueue = MemoryQueue() if queue is None else queue
        self._log = log
        self._on_acked = on_acked
        self._backoff = Backoff(settings.backoff, random.Random(settings.seed))
        self._link: Link | None = None
        self._progress = False
        self._to_replay = 0
        self._stopping = False
        self._changed = asyncio.Event()  # the queue has lost a message: room, or even empty
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Sender:
        """Start to connect."""
        self._task = asyncio.create_task(self._run(), name="relpio-sender")
        # Whoever waits for the queue must learn that nobody will empty it any more.
        self._task.add_done_callback(lambda _: self._changed.set())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, with the default limit of `close`."""
        await self.close()

    async def put(self, messages: Sequence[bytes]) -> None:
        """Put messages into the queue, waiting for room where there is none.

        Raises:
            LocalProtocolError: the sender is not running.
        """
        while messages:
            self._check_running()
            self._changed.clear()
            count = self._queue.put(messages)
            self.accepted += count
            messages = messages[count:]
            if count and self._link is not None:
                self._link.pump()
            if messages:
                await self._changed.wait()

    def put_nowait(self, messages: Sequence[bytes]) -> int:
        """Put as many messages as there is room for; return how many."""
        self._check_running()
        count = self._queue.put(messages)
        self.accepted += count
        if count and self._link is not None:
            self._link.pump()
        return count

    async def room(self) -> None:
        """Wait until the queue has lost a message."""
        self._changed.clear()
        await self._changed.wait()

    async def drain(self) -> None:
        """Wait until every message was acknowledged, without a time limit."""
        while len(self._queue):
            self._check_running()
            await self.room()

    async def close(self, timeout: float = 5.0) -> None:
        """End the session in order when nothing is outstanding, else cut it; takes `timeout` s.

        What is still in the queue stays there; `accepted` - `acked` says how much.
        """
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping = True
        if self._link is None:
            task.cancel()
        elif len(self._queue):
            self._link.abandon()
        else:
            self._link.close()
        await asyncio.wait([task], timeout=timeout)
        if not task.done():
            if self._link is not None:
                self._link.abandon()
            await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    # LinkOwner

    def link_opened(self, link: Link) -> None:
        """Called by the link."""
        self._log("session-open", local=link.local, peer=link.peer)
        if self._to_replay:
            self._log("replay", count=self._to_replay)
            self._to_replay = 0

    def link_acked(self, numbers: Sequence[int]) -> None:
        """Called by the link."""
        self.acked += len(numbers)
        if not self._progress:
            self._progress = True
            self._backoff.reset()
        if self._on_acked is not None:
            self._on_acked(numbers)
        self._changed.set()

    def link_nacked(self, link: Link, number: int, code: int, text: str) -> None:
        """Called by the link."""
        self._log("nack", message=number, code=code, text=text)
        # Only an answer 200 after the pause ends the doubling.
        self._progress = True
        if link.paused:
            return
        seconds = self._backoff.next_delay()
        self._log("backoff", seconds=round(seconds, 3))
        link.pause(seconds, self._after_pause)

    def _after_pause(self) -> None:
        self._progress = False

    # The life of a sender

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping:
            started = loop.time()
            self._progress = False
            self._link, ending = await self._connect()
            if self._link is not None:
                ending = await self._link.finished
                # A session that was of use for long is no failed attempt, messages or not.
                if self._link.opened and loop.time() - started > self.settings.backoff.longest:
                    self._backoff.reset()
                self._link = None
            unacknowledged = self._queue.replay()
            self._to_replay += unacknowledged
            if ending.reason is None:
                self._log("session-closed", detail=ending.detail)
                continue  # to renew the session, or to leave
            self._log(
                "session-lost",
                reason=ending.reason.value,
                detail=ending.detail,
                unacknowledged=unacknowledged,
            )
            if not self._stopping:
                seconds = self._backoff.next_delay()
                self._log("backoff", seconds=round(seconds, 3))
                await asyncio.sleep(seconds)

    async def _connect(self) -> tuple[Link | None, Ending]:
        settings = self.settings
        self._log("connecting", host=settings.host, port=settings.port)
        try:
            async with asyncio.timeout(settings.connect_timeout):
                return await self._connect_any(), Ending(None, "")
        except OSError as error:  # a time-out is one, too
            detail = str(error) or f"no connection within {settings.connect_timeout:g} s"
            return None, Ending(LossReason.CONNECT_FAILED, detail)

    async def _connect_any(self) -> Link:
        settings, loop = self.settings, asyncio.get_running_loop()
        addresses = await resolve(settings.host, settings.port)
        local = None if settings.local_address is None else (settings.local_address, 0)
        failure = OSError(f"{settings.host} has no address")
        for host, port in addresses:
            try:
                _, link = await loop.create_connection(
                    self._make_link, host, port, local_addr=local, family=_family(host)
                )
            except OSError as error:
                failure = error
                continue
            self._log("connected", local=link.local, peer=link.peer)
            return link
        raise failure

    def _make_link(self) -> Link:
        settings = self.settings
        return Link(self, self._queue, settings.session, settings.keepalive, settings.user_timeout)

    def _check_running(self) -> None:
        if self._task is None:
            raise LocalProtocolError("the sender is not running: use it in `async with`")
        if self._task.done():
            self._task.result()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
