"""The receiving side of one session, without clock, socket or thread.

Drive it as `relpio.protocol.client` says. Messages come as `Messages` events; the program answers
them, in the order of arrival, with `acknowledge` once it has really taken them, never before.

However a session ends from this side (violation, limit, timer, `close`), nothing more is taken, but
what was handed out before is still awaited: the hint and the end come after the last answer. Only
`cut` does not wait.
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
from relpio.protocol.frames import Frame, FrameDecoder, encode_frame
from relpio.protocol.offers import (
    encode_offers,
    negotiate_version,
    own_offers,
    parse_offers,
    require_syslog,
)
from relpio.protocol.owed import OwedAnswers
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
        self._owed = OwedAnswers()
        self._last_words = b""  # sent after the last answer
        self._ending: ServerEvent | None = None  # reported after the last answer
        self._frames = 0  # complete ones; a run of messages counts as one
        limit = self.settings.open_timeout
        self._deadline = None if limit is None else now + limit
        self._heard = now  # the last bytes
        self._reading = True
        self._more = False
        self._frame_since: float | None = None  # first bytes of the frame that is incomplete

    @property
    def state(self) -> ServerState:
        """Where the session is."""
        return self._state

    @property
    def unacknowledged(self) -> int:
        """Messages that were handed out and have no answer yet."""
        return self._owed.count

    @property
    def buffered(self) -> int:
        """Bytes held of a frame that is not complete."""
        return self._decoder.buffered

    @property
    def frame_since(self) -> float | None:
        """When the frame began that is not complete; None when there is none."""
        return self._frame_since

    def acknowledge(self, count: int) -> None:
        """Answer `200 OK` to the `count` oldest messages without an answer.

        When the session is over, the answers go nowhere; the client will send those messages again.

        Raises:
            LocalProtocolError: fewer await an answer.
        """
        self._owed.check(count)
        if not self._over():
            self._out.append(self._owed.acknowledge(count))
            self._end_if_answered()

    def refuse(self, text: str = "message not taken", code: int = REFUSED) -> None:
        """Answer the oldest message without an answer with an error: the client keeps it.

        Raises:
            LocalProtocolError: there is none, or `code` is 200 or not three digits.
        """
        if code == ACCEPTED or not 0 <= code <= 999:
            raise LocalProtocolError(f"code {code} does not refuse anything")
        self._owed.check(1)
        if not self._over():
            self._out.append(self._owed.refuse(code, text))
            self._end_if_answered()

    def close(self) -> None:
        """Take no more messages; after the last answer comes the hint, then the end.

        Raises:
            LocalProtocolError: the session is over.
        """
        if self._over() or not self._deaf():
            self._finish(ServerInput.SHUTDOWN, SessionClosed())

    def cut(self) -> None:
        """End the session at once, with a hint. What is unanswered stays so."""
        if self._over():
            return
        if not self._deaf():
            self._stop_taking(ServerInput.SHUTDOWN)
        self._out.append(_SERVERCLOSE)
        self._step(ServerInput.CUT)
        self._events.append(self._ending or SessionClosed())

    def abandon(self, reason: LossReason, detail: str) -> None:
        """Give the session up, with a hint: it costs more than the program can spare."""
        if not self._deaf():
            self._finish(ServerInput.VIOLATION, SessionLost(reason, detail, 0))

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes from the peer; `b""` is the end of the stream. Faults become events."""
        if self._over():
            return
        if not data:
            self._end_of_stream()
            return
        if self._deaf():  # what comes after `close` or a violation is not even kept
            return
        self._heard = now
        self._decoder.feed(data)
        self._take(now)

    def _end_of_stream(self) -> None:
        """The peer sends nothing more. It may still read what it is owed (RFC 9293, 3.6)."""
        detail = "the peer closed the connection"
        if not self._owed.count:
            self._lose(ServerInput.EOF, LossReason.EOF, detail)
        elif self._deaf():
            self._step(ServerInput.HALF_CLOSE)
        else:
            self._finish(ServerInput.HALF_CLOSE, SessionLost(LossReason.EOF, detail, 0))

    @property
    def more(self) -> bool:
        """A turn's messages were taken and bytes are left: call `take_more`, before more data."""
        return self._more

    def take_more(self, now: float) -> None:
        """Take the next turn's messages from the bytes that the last turn left."""
        if self._more and not self._deaf():
            self._take(now)

    def _take(self, now: float) -> None:
        before = self._frames
        self._more = False
        left = self.settings.messages_per_turn
        try:
            while not self._deaf():
                if self._state is ServerState.OPEN:
                    left -= self._take_messages(left)
                if left <= 0:
                    self._more = self._decoder.incomplete
                    break
                frame = self._decoder.next_frame()
                if frame is None:
                    break
                left -= 1
                self._frames += 1
                self._handle(frame)
        except RemoteProtocolError as error:
            detail = str(error)
            self._finish(ServerInput.VIOLATION, SessionLost(LossReason.PROTOCOL_ERROR, detail, 0))
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
        """Bytes are not read for a while, which is not the client's fault."""
        self._reading = False

    def restart_clocks(self, now: float) -> None:
        """Bytes are read again."""
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
                self._finish(ServerInput.TIMEOUT, SessionLost(reason, _TIMEOUTS[reason], 0))
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
        if settings.idle_timeout is not None and not self._owed.count:
            yield self._heard + settings.idle_timeout, LossReason.IDLE_TIMEOUT

    def _take_messages(self, most: int) -> int:
        first = self._last_txnr + 1
        messages = self._decoder.take_messages(first, self.settings.max_message_size, most)
        if messages:
            self._frames += 1
            self._deliver(first, messages)
        return len(messages)

    def _deliver(self, first: int, messages: list[bytes]) -> None:
        count = len(messages)
        self._owed.add(first, count)
        if first == HINT:
            self._events.append(Messages(HINT, messages))
            return
        self._last_txnr = first + count - 1
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
            # Empty, because rlp_01 takes any other answer for a failure.
            self._last_words = encode_frame(txnr, b"rsp")
            self._finish(ServerInput.CLOSE_COMMAND, SessionClosed())
        elif txnr != HINT:  # a hint may always be ignored
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
        self._last_words = encode_frame(txnr, b"rsp", encode_response(REFUSED, text))
        detail = f"open refused: {text}"
        self._finish(ServerInput.OPEN_REFUSED, SessionLost(LossReason.PROTOCOL_ERROR, detail, 0))

    def _answer(self, txnr: int, code: int, text: str, data: bytes = b"") -> None:
        self._out.append(encode_frame(txnr, b"rsp", encode_response(code, text, data)))

    def _finish(self, happened: ServerInput, ending: ServerEvent) -> None:
        """Take nothing more; the end and its event come after the last answer."""
        self._stop_taking(happened)
        self._ending = ending
        self._end_if_answered()

    def _end_if_answered(self) -> None:
        if self._ending is None or self._owed.count:
            return
        self._out.append(self._last_words + _SERVERCLOSE)
        self._step(ServerInput.ALL_ANSWERED)
        self._events.append(self._ending)

    def _lose(self, happened: ServerInput, reason: LossReason, detail: str) -> None:
        """The peer is gone: nothing can be answered any more."""
        self._stop_taking(happened)
        if isinstance(self._ending, SessionLost):  # what came first says more
            reason, detail = self._ending.reason, self._ending.detail
        self._events.append(SessionLost(reason, detail, self._owed.count))

    def _stop_taking(self, happened: ServerInput) -> None:
        self._step(happened)
        self._deadline = None
        self._more = False
        self._decoder.clear()
        self._frame_since = None

    def _step(self, happened: ServerInput) -> None:
        self._state = step(SERVER_TRANSITIONS, self._state, happened)

    def _deaf(self) -> bool:
        """After `close` a client sends nothing; what it sends all the same is not read."""
        return self._state not in (ServerState.AWAITING_OPEN, ServerState.OPEN)

    def _over(self) -> bool:
        return self._state in (ServerState.CLOSED, ServerState.LOST)


def _decoder(settings: ServerSettings) -> FrameDecoder:
    longest = max(settings.longest_message, _LEAST_MAX_DATA)
    cut_at = settings.max_message_size if settings.oversize is Oversize.TRUNCATE else 0
    return FrameDecoder(longest, cut_messages_at=cut_at)
