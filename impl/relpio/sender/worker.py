"""A worker: one session after the other, with the targets that there are, over a shared queue."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import socket
import ssl
from collections.abc import Sequence
from typing import Protocol

from relpio.logs import Log
from relpio.net.addresses import Address, UnixAddress, resolve
from relpio.net.transport import SessionEnd, tls_fault
from relpio.protocol.events import LossReason, Refused
from relpio.queue.base import MessageQueue
from relpio.sender.backoff import Backoff
from relpio.sender.pace import Pace
from relpio.sender.session import ClientSession
from relpio.sender.settings import SenderSettings

__all__ = ["Worker", "WorkerOwner"]


class WorkerOwner(Protocol):
    """Whom a worker reports to."""

    def messages_acked(self, numbers: Sequence[int]) -> None:
        """A server took these messages; the queue has forgotten them."""

    def message_refused(self, number: int, message: bytes, refusal: Refused) -> bool:
        """A server refused a message; true when it needs to be sent no more."""

    def message_dropped(self, number: int, message: bytes) -> bool:
        """A server dropped the session at this message; true when it was taken over."""

    def session_lost(self, unacknowledged: int) -> None:
        """A session was lost, or could not be made."""


class Worker:
    """Keeps a session alive: connects, replays, backs off, goes from target to target."""

    def __init__(
        self,
        owner: WorkerOwner,
        settings: SenderSettings,
        queue: MessageQueue,
        log: Log,
        rng: random.Random,
        context: ssl.SSLContext | None,
    ) -> None:
        """Prepare; `run` does the work."""
        self._owner = owner
        self._queue = queue
        self._log = log
        self._rng = rng
        self._target: Address | None = None
        self._use(settings, context)
        self._progress = False
        self._to_replay = 0
        self._stopping = False
        self._stuck_at: int | None = None  # oldest message without an answer at the last loss
        self._cautious = False
        self.session: ClientSession | None = None

    def _use(self, settings: SenderSettings, context: ssl.SSLContext | None) -> None:
        self._settings = settings
        self.context = context
        self._backoff = Backoff(settings.backoff, self._rng)
        self._session_settings = settings.session
        if settings.rebind_interval is not None:
            # `open` and `close` have numbers, too.
            last = min(self._session_settings.last_txnr, settings.rebind_interval + 2)
            self._session_settings = dataclasses.replace(self._session_settings, last_txnr=last)
        targets = list(settings.targets)
        # An attempt that fails with a target that is none any more is followed by the first.
        last_place = len(targets) - 1
        self._position = targets.index(self._target) if self._target in targets else last_place

    def reload(self, settings: SenderSettings, context: ssl.SSLContext | None) -> None:
        """Use other settings for sessions from now on; leave a server that is not among them."""
        self._use(settings, context)
        if self.session is not None and self._target not in settings.targets:
            self.session.close()

    @property
    def unacknowledged(self) -> int:
        """Messages of the session without an answer."""
        return 0 if self.session is None else self.session.unacknowledged

    @property
    def open(self) -> bool:
        """There is a session."""
        return self.session is not None and self.session.opened and self.session.ending is None

    def pump(self) -> None:
        """Messages can be leased."""
        if self.session is not None:
            self.session.pump()

    def stop(self, task: asyncio.Task[None]) -> None:
        """End in order; `task` is what runs `run`."""
        self._stopping = True
        if self.session is None:
            task.cancel()
        else:
            self.session.close()

    def abandon(self) -> None:
        """End now."""
        if self.session is not None:
            self.session.abandon()

    def leave_if_idle(self, seconds: float) -> None:
        """End in order if nothing was sent for `seconds` and nothing is outstanding."""
        session = self.session
        if session is None or not session.opened or session.unacknowledged:
            return
        if asyncio.get_running_loop().time() - session.last_used >= seconds:
            self._stopping = True
            session.close()

    # ClientSessionOwner

    def session_opened(self, session: ClientSession) -> None:
        """Called by the session."""
        self._log("session-open", local=session.local, peer=session.peer)
        if self._to_replay:
            self._log("replay", count=self._to_replay)
            self._to_replay = 0

    def session_acked(self, numbers: Sequence[int]) -> None:
        """Called by the session."""
        if not self._progress:
            self._progress = True
            self._backoff.reset()
        if self.session is not None:
            self._cautious = self.session.cautious
        self._owner.messages_acked(numbers)

    def session_refused(
        self, session: ClientSession, number: int, message: bytes, refusal: Refused
    ) -> bool:
        """Called by the session."""
        if self._owner.message_refused(number, message, refusal):
            return True
        # So many are refused that it is not for the messages: the session waits as a whole.
        self._log("nack", message=number, code=refusal.code, text=refusal.text)
        # Only an answer 200 after the pause ends the doubling.
        self._progress = True
        if not session.held_back:
            seconds = self._backoff.next_delay()
            self._log("backoff", seconds=round(seconds, 3))
            session.pause(seconds, self._after_pause)
        return False

    def _after_pause(self) -> None:
        self._progress = False

    # The life of a worker

    async def run(self) -> None:
        """Keep a session until told to stop."""
        loop = asyncio.get_running_loop()
        self._position = 0
        while not self._stopping:
            started = loop.time()
            self._progress = False
            self._target = self._settings.targets[self._position]
            self.session, ending = await self._connect(self._target)
            unacknowledged = 0
            if self.session is not None:
                ending = await self._end_of(self.session)
                # A session that was of use for long is no failed attempt, messages or not.
                if self.session.opened and loop.time() - started > self._settings.backoff.longest:
                    self._backoff.reset()
                session, self.session = self.session, None
                if self.context is not None and not session.opened and ending.reason in _HUNG_UP:
                    # In TLS 1.3 a client is refused when its handshake is over already.
                    ending = SessionEnd(ending.reason, f"{ending.detail}; {_PERHAPS_REFUSED}")
                unacknowledged = session.unacknowledged
                self._suspect(session, ending)
                session.take_back()
            self._to_replay += unacknowledged
            if ending.reason is None:
                self._log("session-closed", detail=ending.detail)
                self._position = 0
                continue  # to renew the session, or to leave
            self._log(
                "session-lost",
                reason=ending.reason.value,
                detail=ending.detail,
                unacknowledged=unacknowledged,
            )
            self._owner.session_lost(unacknowledged)
            self._position = (self._position + 1) % len(self._settings.targets)
            if not self._stopping and self._position == 0:
                seconds = self._backoff.next_delay()
                self._log("backoff", seconds=round(seconds, 3))
                await asyncio.sleep(seconds)

    def _suspect(self, session: ClientSession, ending: SessionEnd) -> None:
        """Find the message at which a server drops each session, and put it aside.

        When two sessions end at the same message, those that follow begin with one message, then
        two, four: so the one that is the cause is soon sent alone, whether or not the server
        answers those before it.
        """
        oldest = session.oldest
        if not session.opened or ending.reason not in _DROPPED or oldest is None:
            return
        if session.cautious and session.unacknowledged == 1:
            if self._owner.message_dropped(*oldest):
                session.let_go(oldest[0])
            self._stuck_at = None
        else:
            self._cautious = self._cautious or oldest[0] == self._stuck_at
            self._stuck_at = oldest[0]

    async def _end_of(self, session: ClientSession) -> SessionEnd:
        if self._stopping:  # told so while the connection was made
            session.close()
        fail_back = self._settings.fail_back
        if self._position and fail_back is not None:
            await asyncio.wait([session.finished], timeout=fail_back)
            if not session.finished.done():
                self._log("fail-back", target=str(self._settings.targets[0]))
                session.close()
        return await session.finished

    async def _connect(self, target: Address) -> tuple[ClientSession | None, SessionEnd]:
        settings = self._settings
        if isinstance(target, UnixAddress):
            self._log("connecting", path=target.path)
        else:
            self._log("connecting", host=target.host, port=target.port)
        try:
            async with asyncio.timeout(settings.connect_timeout):
                session = await self._connect_to(target)
        except ssl.SSLError as error:
            return None, SessionEnd(LossReason.TLS_FAILED, tls_fault(error))
        except (ConnectionResetError, ConnectionAbortedError) as error:
            if self.context is None:
                return None, SessionEnd(LossReason.CONNECT_FAILED, str(error))
            detail = f"the connection ended in the TLS handshake; {_PERHAPS_REFUSED}"
            return None, SessionEnd(LossReason.TLS_FAILED, detail)
        except OSError as error:  # a time-out is one, too
            detail = str(error) or f"no connection within {settings.connect_timeout:g} s"
            return None, SessionEnd(LossReason.CONNECT_FAILED, detail)
        self._log("connected", local=session.local, peer=session.peer)
        return session, SessionEnd(None, "")

    async def _connect_to(self, target: Address) -> ClientSession:
        loop, context = asyncio.get_running_loop(), self.context
        limit = None if context is None else self._settings.connect_timeout
        if isinstance(target, UnixAddress):
            _, session = await loop.create_unix_connection(
                lambda: self._make_session(None), target.path, ssl=context,
                server_hostname=None if context is None else "", ssl_handshake_timeout=limit,
            )  # fmt: skip
            return session
        addresses = await resolve(target.host, target.port)
        local = self._settings.local_address
        failure = OSError(f"{target.host} has no address")
        for host, port in addresses:
            try:
                _, session = await loop.create_connection(
                    lambda: self._make_session(target.host), host, port,
                    local_addr=None if local is None else (local, 0), family=_family(host),
                    ssl=context, server_hostname=None if context is None else target.host,
                    ssl_handshake_timeout=limit,
                )  # fmt: skip
            except ssl.SSLError:
                raise  # this server is there, and another address of it would say the same
            except OSError as error:
                failure = error
                continue
            return session
        raise failure

    def _make_session(self, host: str | None) -> ClientSession:
        settings, tls = self._settings, self._settings.tls
        return ClientSession(
            self,
            self._queue,
            self._session_settings,
            settings.keepalive,
            settings.user_timeout,
            pace=None if settings.dequeue is None else Pace(settings.dequeue),
            cautious=self._cautious,
            check_peer=None if tls is None else lambda ssl: tls.check_peer(ssl, target=host),
        )


_DROPPED = (
    LossReason.SERVERCLOSE, LossReason.EOF, LossReason.RESET, LossReason.PROTOCOL_ERROR,
)  # fmt: skip
_HUNG_UP = (LossReason.EOF, LossReason.RESET)
_PERHAPS_REFUSED = (
    "perhaps the peer does not speak TLS here, or refused this side's certificate: its log would "
    "say which"
)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
