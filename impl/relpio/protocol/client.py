"""The sending side of one session, without clock, socket or thread.

Drive it so: `open(now)`, write `data_to_send()` to the peer, give what arrives to
`receive_data(data, now)` (`b""` at the end of the stream), take events until `next_event()` is
None, and call `handle_timeout(now)` when the time `next_timeout()` has come. `now` is any clock
that never goes back, in seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from relpio.errors import ConfigurationError, LocalProtocolError, RemoteProtocolError
from relpio.protocol.events import (
    Acknowledged,
    ClientEvent,
    LossReason,
    Refused,
    SessionClosed,
    SessionLost,
    SessionOpened,
)
from relpio.protocol.frames import Frame, FrameDecoder, encode_frame, encode_messages
from relpio.protocol.offers import (
    HIGHEST_VERSION,
    OWN_VERSION,
    encode_offers,
    negotiate_version,
    own_offers,
    parse_offers,
    require_syslog,
)
from relpio.protocol.responses import ACCEPTED, parse_response
from relpio.protocol.runs import Runs
from relpio.protocol.states import CLIENT_TRANSITIONS, ClientInput, ClientState, step
from relpio.protocol.txnr import MAX_TXNR

__all__ = ["ClientConnection", "ClientSettings"]

_OPEN_TXNR = 1

# Commands that have a meaning of their own, which a hint cannot have.
_NO_HINTS = (b"open", b"close", b"syslog")

# A server's answers are short; only the offers in the answer to `open` have some length.
_MAX_ANSWER = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """How the sending side behaves. Times are in seconds; None switches a timer off.

    Attributes:
        window: messages that may be without an answer at any time (librelp's default: 128).
        ack_timeout: how long a message may be the oldest one without an answer.
        open_timeout: how long the answer to `open` may take.
        close_timeout: how long an orderly close may take, draining included.
        last_txnr: the session is renewed before this number is exceeded. librelp counts wrongly
            past 999 999 999, so relpio does not try.
        version: protocol version to offer; the server may answer with a lower one.
    """

    window: int = 128
    ack_timeout: float | None = 30.0
    open_timeout: float | None = 30.0
    close_timeout: float | None = 5.0
    last_txnr: int = MAX_TXNR - 1
    version: int = OWN_VERSION

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if self.window < 1:
            raise ConfigurationError(f"window is {self.window}; it must be at least 1")
        for name in ("ack_timeout", "open_timeout", "close_timeout"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ConfigurationError(f"{name} is {value}; it must be above 0, or None for off")
        if not 3 <= self.last_txnr < MAX_TXNR:
            raise ConfigurationError(f"last_txnr must be 3 to {MAX_TXNR - 1}")
        if not 0 <= self.version <= HIGHEST_VERSION:
            raise ConfigurationError(f"version must be 0 to {HIGHEST_VERSION}")


class ClientConnection:
    """A RELP client for one session. It never sends on a second one: make a new object."""

    def __init__(self, settings: ClientSettings | None = None) -> None:
        """Prepare a session; nothing is sent before `open`."""
        self.settings = settings or ClientSettings()
        self._state = ClientState.IDLE
        self._decoder = FrameDecoder(_MAX_ANSWER)
        self._out: list[bytes] = []
        self._events: deque[ClientEvent] = deque()
        self._next_txnr = _OPEN_TXNR
        self._unanswered = Runs()
        self._oldest_since = 0.0
        self._deadline: float | None = None  # of `open` or of `close`

    @property
    def state(self) -> ClientState:
        """Where the session is."""
        return self._state

    @property
    def unacknowledged(self) -> int:
        """Messages that were sent and have no answer."""
        return len(self._unanswered)

    @property
    def capacity(self) -> int:
        """How many messages may be sent now."""
        if self._state is not ClientState.OPEN:
            return 0
        numbers_left = self.settings.last_txnr - self._next_txnr  # one is kept for `close`
        return max(0, min(self.settings.window - len(self._unanswered), numbers_left))

    def open(self, now: float) -> None:
        """Send `open`. The answer comes as `SessionOpened` or `SessionLost`."""
        self._step(ClientInput.SEND_OPEN)
        self._out.append(
            encode_frame(_OPEN_TXNR, b"open", encode_offers(own_offers(self.settings.version)))
        )
        self._next_txnr += 1
        self._start_deadline(now, self.settings.open_timeout)

    def send(self, messages: Sequence[bytes], now: float) -> range:
        """Send messages and return their transaction numbers.

        Raises:
            LocalProtocolError: the session is not open, or `messages` is more than `capacity`.
        """
        self._step(ClientInput.SEND_MESSAGES)
        count = len(messages)
        if count > self.capacity:
            raise LocalProtocolError(f"{count} messages to send, room for {self.capacity}")
        first = self._next_txnr
        if count:
            self._out.append(encode_messages(first, messages))
            if not self._unanswered:
                self._oldest_since = now
            self._unanswered.extend(first, count)
            self._next_txnr += count
            if self._next_txnr >= self.settings.last_txnr:
                self._step(ClientInput.RENEWAL_DUE)
        return range(first, first + count)

    def close(self, now: float) -> None:
        """End the session in order: await all answers, then send `close`."""
        self._step(ClientInput.CLOSE_ASKED)
        if self._state is ClientState.CLOSED:
            self._events.append(SessionClosed())
            return
        if self._state is ClientState.DRAINING:
            self._start_deadline(now, self.settings.close_timeout)
            self._close_when_drained(now)

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes from the peer; `b""` is the end of the stream. Faults become events."""
        if self._over():
            return
        if not data:
            self._lose(ClientInput.EOF, LossReason.EOF, "the peer closed the connection")
            return
        try:
            self._decoder.feed(data)
            while not self._over() and self._take_acks(now):
                pass
            while not self._over() and (frame := self._decoder.next_frame()) is not None:
                self._handle(frame, now)
        except RemoteProtocolError as error:
            self._lose(ClientInput.VIOLATION, LossReason.PROTOCOL_ERROR, str(error))

    def data_to_send(self) -> bytes:
        """Return the bytes for the peer and forget them."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def next_event(self) -> ClientEvent | None:
        """Return the next event, or None."""
        return self._events.popleft() if self._events else None

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        times = [t for t in (self._deadline, self._ack_deadline()) if t is not None]
        return min(times, default=None)

    def handle_timeout(self, now: float) -> None:
        """Act on the timers that have expired; harmless when none has."""
        deadline, ack_deadline = self._deadline, self._ack_deadline()
        if ack_deadline is not None and now >= ack_deadline:
            run = self._unanswered.first_run()
            waited = f"no answer to message {run.start} for {now - self._oldest_since:.3g} s"
            self._lose(ClientInput.TIMEOUT, LossReason.ACK_TIMEOUT, waited)
        elif deadline is not None and now >= deadline:
            if self._state is ClientState.OPENING:
                reason, command = LossReason.OPEN_TIMEOUT, "open"
            else:
                reason, command = LossReason.CLOSE_TIMEOUT, "close"
            self._lose(ClientInput.TIMEOUT, reason, f"no answer to {command} in time")

    def _ack_deadline(self) -> float | None:
        # The clock starts again whenever the oldest message changes, as TCP's retransmission timer
        # does (RFC 6298, 5.3): a slow server that makes progress is not a dead one.
        if self.settings.ack_timeout is None or not self._unanswered or self._over():
            return None
        return self._oldest_since + self.settings.ack_timeout

    def _start_deadline(self, now: float, limit: float | None) -> None:
        self._deadline = None if limit is None else now + limit

    def _take_acks(self, now: float) -> bool:
        run = self._unanswered.first_run()
        count = self._decoder.take_acks(run.start, len(run))
        if not count:
            return False
        self._unanswered.drop_first(count)
        self._oldest_since = now
        self._events.append(Acknowledged(run.start, count))
        self._close_when_drained(now)
        return True

    def _handle(self, frame: Frame, now: float) -> None:
        if frame.command == b"rsp":
            self._handle_answer(frame, now)
        elif frame.command == b"serverclose" and frame.txnr == 0:
            self._lose(ClientInput.SERVERCLOSE, LossReason.SERVERCLOSE, "the server is closing")
        elif frame.txnr or frame.command in _NO_HINTS:
            raise RemoteProtocolError(f"a server does not send {frame.command!r} {frame.txnr}")
        # Any other hint is one that this version does not know; a hint may always be ignored.

    def _handle_answer(self, frame: Frame, now: float) -> None:
        if self._state is ClientState.OPENING and frame.txnr == _OPEN_TXNR:
            self._handle_open_answer(frame)
            return
        if self._state is ClientState.CLOSING and frame.txnr == self._next_txnr - 1:
            self._deadline = None
            self._step(ClientInput.CLOSE_ANSWERED)
            self._events.append(SessionClosed())
            return
        answer = parse_response(frame.data)  # before anything counts as answered
        oldest = self._unanswered.first_run().start
        if not self._unanswered.discard(frame.txnr):
            raise RemoteProtocolError(f"an answer to {frame.txnr}, which awaits none")
        if frame.txnr == oldest:
            self._oldest_since = now
        if answer.code == ACCEPTED:
            self._events.append(Acknowledged(frame.txnr, 1))
        else:
            text = answer.text.decode("utf-8", "replace")
            self._events.append(Refused(frame.txnr, answer.code, text))
        self._close_when_drained(now)

    def _handle_open_answer(self, frame: Frame) -> None:
        answer = parse_response(frame.data)
        if answer.code != ACCEPTED:
            text = answer.text.decode("utf-8", "replace")
            detail = f"the server refused the session: {answer.code} {text}"
            self._lose(ClientInput.OPEN_REFUSED, LossReason.PROTOCOL_ERROR, detail)
            return
        offers = parse_offers(answer.data)
        versions = offers.get(b"relp_version")
        offered = self.settings.version
        if negotiate_version(offers, offered) != int((versions or (b"0",))[0]):
            answered = (versions or (b"0",))[0].decode()
            raise RemoteProtocolError(
                f"the server answered with RELP version {answered}, but {offered} was offered"
            )
        require_syslog(offers, "server")
        self._deadline = None
        self._step(ClientInput.OPEN_ACCEPTED)
        self._events.append(SessionOpened(offers))

    def _close_when_drained(self, now: float) -> None:
        if self._state is not ClientState.DRAINING or self._unanswered:
            return
        self._step(ClientInput.ALL_ANSWERED)
        self._out.append(encode_frame(self._next_txnr, b"close"))
        self._next_txnr += 1
        if self._deadline is None:
            self._start_deadline(now, self.settings.close_timeout)

    def _step(self, happened: ClientInput) -> None:
        self._state = step(CLIENT_TRANSITIONS, self._state, happened)

    def _over(self) -> bool:
        return self._state in (ClientState.CLOSED, ClientState.LOST)

    def _lose(self, happened: ClientInput, reason: LossReason, detail: str) -> None:
        self._deadline = None
        self._step(happened)
        if self._state is ClientState.CLOSED:
            self._events.append(SessionClosed())
        else:
            self._events.append(SessionLost(reason, detail, len(self._unanswered)))
