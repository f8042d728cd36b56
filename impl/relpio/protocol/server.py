"""The receiving side of one session, without clock, socket or thread.

Drive it as `relpio.protocol.client` says. Messages come as `Messages` events; the program answers
them, in the order of arrival, with `acknowledge` once it has really taken them, never before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from relpio.errors import (
    LocalProtocolError,
    OfferError,
    RemoteProtocolError,
)
from relpio.protocol.events import (
    LossReason,
    Messages,
    Oversized,
    ServerEvent,
    SessionClosed,
    SessionLost,
    SessionOpened,
)
from relpio.protocol.frames import Frame, FrameDecoder, encode_acks, encode_frame
from relpio.protocol.offers import (
    encode_offers,
    negotiate_version,
    own_offers,
    parse_offers,
    require_syslog,
)
from relpio.protocol.responses import ACCEPTED, REFUSED, encode_response
from relpio.protocol.serversettings import Oversize, ServerSettings
from relpio.protocol.states import SERVER_TRANSITIONS, ServerInput, ServerState, step
from relpio.protocol.txnr import HINT, follows

__all__ = ["Oversize", "ServerConnection", "ServerSettings"]

_SERVERCLOSE = encode_frame(HINT, b"serverclose")

_TIMEOUTS = {
    LossReason.OPEN_TIMEOUT: "no open command in time",
    LossReason.FRAME_TIMEOUT: "a frame was not complete in time",
    LossReason.IDLE_TIMEOUT: "nothing was received for too long",
}


# `open` must fit, however small the limit for messages is.
_LEAST_MAX_DATA = 4096


class ServerConnection:
    """A RELP server for one session."""

    def __init__(self, settings: ServerSettings | None = None, now: float = 0.0) -> None:
        """Await a client's `open`; its time limit runs from `now`."""
        self.settings = settings or ServerSettings()
        self._state = ServerState.AWAITING_OPEN
        self._decoder = _decoder(self.settings)
        self._out: list[bytes] = []
        self._events: deque[ServerEvent] = deque()
        self._last_txnr = 0
        # What is owed an answer, in order: runs of (first txnr, how many). A hint is (0, 1).
        self._owed: deque[tuple[int, int]] = deque()
        self._owed_count = 0
        self._frames = 0  # complete ones; a run of messages counts as one
        self._close_txnr: int | None = None
        limit = self.settings.open_timeout
        self._deadline = None if limit is None else now + limit
        self._heard = now  # the last bytes
        self._reading = True
        self._frame_since: float | None = None  # first bytes of the frame that is incomplete

    @property
    def state(self) -> ServerState:
        """Where the session is."""
        return self._state

    @property
    def unacknowledged(self) -> int:
        """Messages that were handed out and have no answer yet."""
        return self._owed_count

    @property
    def buffered(self) -> int:
        """Octets held of a frame that is not complete."""
        return self._decoder.buffered

    @property
    def frame_since(self) -> float | None:
        """When the frame began that is not complete; None when there is none."""
        return self._frame_since

    def acknowledge(self, count: int) -> None:
        """Answer `200 OK` to the `count` oldest messages without an answer.

        When the session is over, the answers go nowhere; the client will send those messages again.

        Raises:
            LocalProtocolError: there are not so many.
        """
        self._check_owed(count)
        if self._over():
            return
        while count:
            first, length = self._owed.popleft()
            taken = min(count, length)
            # Hints all carry the number 0, so a run of them is one hint long.
            self._out.append(encode_acks(first, taken))
            if taken < length:
                self._owed.appendleft((first + taken, length - taken))
            self._owed_count -= taken
            count -= taken
        self._answer_close()

    def refuse(self, text: str = "message not taken", code: int = REFUSED) -> None:
        """Answer the oldest message without an answer with an error: the client keeps it.

        Raises:
            LocalProtocolError: there is none, or `code` is 200 or not three digits.
        """
        if code == ACCEPTED or not 0 <= code <= 999:
            raise LocalProtocolError(f"code {code} does not refuse anything")
        self._check_owed(1)
        if self._over():
            return
        first, length = self._owed.popleft()
        self._out.append(encode_frame(first, b"rsp", encode_response(code, text)))
        if length > 1:
            self._owed.appendleft((first + 1, length - 1))
        self._owed_count -= 1
        self._answer_close()

    def close(self) -> None:
        """End the session from this side: hint, then the end. What is unanswered stays so."""
        self._step(ServerInput.SHUTDOWN)
        self._out.append(_SERVERCLOSE)
        self._deadline = None
        self._events.append(SessionClosed())

    def abandon(self, reason: LossReason, detail: str) -> None:
        """Give the session up, with a hint: it costs more than the program can spare."""
        if not self._over():
            self._out.append(_SERVERCLOSE)
            self._lose(ServerInput.VIOLATION, reason, detail)

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes from the peer; `b""` is the end of the stream. Faults become events."""
        if self._over():
            return
        if not data:
            self._lose(ServerInput.EOF, LossReason.EOF, "the peer closed the connection")
            return
        if self._deaf():  # what comes after `close` is not even kept
            return
        self._heard = now
        before = self._frames
        try:
            self._decoder.feed(data)
            while not self._deaf():
                if self._state is ServerState.OPEN:
                    self._take_messages()
                frame = self._decoder.next_frame()
                if frame is None:
                    break
                self._frames += 1
                self._handle(frame)
        except RemoteProtocolError as error:
            self._violation(str(error))
        if not self._decoder.incomplete:
            self._frame_since = None
        elif self._frame_since is None or self._frames != before:
            self._frame_since = now

    def data_to_send(self) -> bytes:
        """Return the bytes for the peer and forget them."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def next_event(self) -> ServerEvent | None:
        """Return the next event, or None."""
        return self._events.popleft() if self._events else None

    def stop_clocks(self) -> None:
        """Octets are not read for a while, which is not the client's fault."""
        self._reading = False

    def restart_clocks(self, now: float) -> None:
        """Octets are read again."""
        self._reading = True
        self._heard = now
        if self._frame_since is not None:
            self._frame_since = now

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        return min((due for due, _ in self._timers()), default=None)

    def handle_timeout(self, now: float) -> None:
        """Act on the timers that have expired; harmless when none has."""
        for due, reason in self._timers():
            if now >= due:
                self._out.append(_SERVERCLOSE)
                self._lose(ServerInput.TIMEOUT, reason, _TIMEOUTS[reason])
                return

    def _timers(self) -> Iterator[tuple[float, LossReason]]:
        if self._deaf():
            return
        settings = self.settings
        if self._deadline is not None:
            yield self._deadline, LossReason.OPEN_TIMEOUT
        if not self._reading:
            return
        if settings.frame_timeout is not None and self._frame_since is not None:
            yield self._frame_since + settings.frame_timeout, LossReason.FRAME_TIMEOUT
        if settings.idle_timeout is not None and not self._owed_count:
            yield self._heard + settings.idle_timeout, LossReason.IDLE_TIMEOUT

    def _take_messages(self) -> None:
        first = self._last_txnr + 1
        messages = self._decoder.take_messages(first, self.settings.max_message_size)
        if messages:
            self._frames += 1
            self._deliver(first, messages)

    def _deliver(self, first: int, messages: list[bytes]) -> None:
        count = len(messages)
        self._owed_count += count
        if first == HINT:
            self._owed.append((HINT, 1))
            self._events.append(Messages(HINT, messages))
            return
        self._last_txnr = first + count - 1
        owed = self._owed[-1] if self._owed else (HINT, 0)
        if sum(owed) == first and owed[0] != HINT:
            self._owed[-1] = (owed[0], owed[1] + count)
        else:
            self._owed.append((first, count))
        # One event for all that came together, however it was framed.
        last = self._events[-1] if self._events else None
        if (
            isinstance(last, Messages)
            and last.first_txnr != HINT
            and last.first_txnr + len(last.messages) == first
        ):
            last.messages.extend(messages)
        else:
            self._events.append(Messages(first, messages))

    def _handle(self, frame: Frame) -> None:
        txnr, command = frame.txnr, frame.command
        if command == b"serverclose":
            # The client is leaving; librelp sends no hint back, and nobody would read it.
            self._lose(ServerInput.SERVERCLOSE, LossReason.SERVERCLOSE, "the client is closing")
            return
        if txnr != HINT:
            if not follows(self._last_txnr, txnr):
                raise RemoteProtocolError(f"txnr {txnr} does not follow {self._last_txnr}")
            self._last_txnr = txnr
        if command == b"syslog":
            self._handle_message(frame)
        elif command == b"open":
            self._handle_open(frame)
        elif command == b"close":
            self._step(ServerInput.CLOSE_COMMAND)
            self._close_txnr = txnr
            self._answer_close()
        else:
            raise RemoteProtocolError(f"a client does not send {command!r}")

    def _handle_message(self, frame: Frame) -> None:
        opened = self._state is ServerState.OPEN
        self._step(ServerInput.MESSAGE)
        if not opened:
            self._answer(frame.txnr, REFUSED, "command disabled")
            return
        size, limit = self._decoder.cut_from or len(frame.data), self.settings.max_message_size
        if size > limit:
            # `open` may be longer than a message, so the decoder may have let it through.
            if len(frame.data) > self.settings.longest_message:
                longest = self.settings.longest_message
                raise RemoteProtocolError(f"a message of {size} bytes; limit {longest}")
            self._events.append(Oversized(frame.txnr, size, len(frame.data)))
        self._deliver(frame.txnr, [frame.data])

    def _handle_open(self, frame: Frame) -> None:
        if self._state is ServerState.OPEN:
            self._refuse_open(frame.txnr, "protocol error: connection already open")
            return
        try:
            offers = parse_offers(frame.data)
            version = negotiate_version(offers)
            require_syslog(offers, "client")
        except OfferError as error:
            self._refuse_open(frame.txnr, str(error))
            return
        self._deadline = None
        self._step(ServerInput.OPEN_ACCEPTED)
        self._answer(frame.txnr, ACCEPTED, "OK", encode_offers(own_offers(version)))
        self._events.append(SessionOpened(offers))

    def _refuse_open(self, txnr: int, text: str) -> None:
        self._answer(txnr, REFUSED, text)
        self._out.append(_SERVERCLOSE)
        self._lose(ServerInput.OPEN_REFUSED, LossReason.PROTOCOL_ERROR, f"open refused: {text}")

    def _answer(self, txnr: int, code: int, text: str, data: bytes = b"") -> None:
        self._out.append(encode_frame(txnr, b"rsp", encode_response(code, text, data)))

    def _answer_close(self) -> None:
        if self._state is not ServerState.CLOSING or self._owed_count or self._close_txnr is None:
            return
        # Empty, because rlp_01 takes any other answer for a failure.
        self._out.append(encode_frame(self._close_txnr, b"rsp"))
        self._out.append(_SERVERCLOSE)
        self._deadline = None
        self._step(ServerInput.ALL_ANSWERED)
        self._events.append(SessionClosed())

    def _check_owed(self, count: int) -> None:
        if not 0 <= count <= self._owed_count:
            raise LocalProtocolError(f"{count} answers for {self._owed_count} messages")

    def _violation(self, detail: str) -> None:
        self._out.append(_SERVERCLOSE)
        self._lose(ServerInput.VIOLATION, LossReason.PROTOCOL_ERROR, detail)

    def _lose(self, happened: ServerInput, reason: LossReason, detail: str) -> None:
        self._deadline = None
        self._decoder.clear()
        self._frame_since = None
        self._step(happened)
        self._events.append(SessionLost(reason, detail, self._owed_count))

    def _step(self, happened: ServerInput) -> None:
        self._state = step(SERVER_TRANSITIONS, self._state, happened)

    def _deaf(self) -> bool:
        """After `close` a client sends nothing; what it sends all the same is not read."""
        return self._over() or self._state is ServerState.CLOSING

    def _over(self) -> bool:
        return self._state in (ServerState.CLOSED, ServerState.LOST)


def _decoder(settings: ServerSettings) -> FrameDecoder:
    longest = max(settings.longest_message, _LEAST_MAX_DATA)
    cut_at = settings.max_message_size if settings.oversize is Oversize.TRUNCATE else 0
    return FrameDecoder(longest, cut_messages_at=cut_at)
