"""The receiving side of one session, without clock, socket or thread.

Drive it as `relpio.protocol.client` says. Messages come as `Messages` events; the program answers
them, in the order of arrival, with `acknowledge` once it has really taken them, never before.

However a session ends from this side (violation, limit, timer, `close`), nothing more is taken, but
what was handed out before is still awaited: the hint and the end come after the last answer. Only
`cut` does not wait.
"""

from __future__ import annotations

from collections.abc import Iterable

from relpio.errors import OfferError, RemoteProtocolError
from relpio.protocol.arrivals import Arrivals
from relpio.protocol.events import (
    LossReason,
    Oversized,
    ServerEvent,
    SessionClosed,
    SessionLost,
    SessionOpened,
)
from relpio.protocol.frames import Frame, encode_frame
from relpio.protocol.opening import accept_open
from relpio.protocol.owed import OwedAnswers
from relpio.protocol.responses import ACCEPTED, REFUSED, encode_response
from relpio.protocol.serverclocks import EXPIRED, ServerClocks
from relpio.protocol.serversettings import Oversize, ServerSettings, server_decoder
from relpio.protocol.states import SERVER_TRANSITIONS, ServerInput, ServerState, step
from relpio.protocol.txnr import HINT, follows

__all__ = ["Oversize", "ServerConnection", "ServerSettings"]

_SERVERCLOSE = encode_frame(HINT, b"serverclose")


class ServerConnection:
    """A RELP server for one session.

    Attributes:
        settings: how it behaves.
        clocks: its time limits. Pause them while bytes are not read, which is not the client's
            fault.
    """

    def __init__(self, settings: ServerSettings | None = None, now: float = 0.0) -> None:
        """Await a client's `open`; its time limit runs from `now`."""
        self.settings = settings or ServerSettings()
        self._state = ServerState.AWAITING_OPEN
        self._decoder = server_decoder(self.settings)
        self._out: list[bytes] = []
        self._arrivals = Arrivals()
        self._last_txnr = 0
        self._owed = OwedAnswers()
        self._last_words = b""  # sent after the last answer
        self._ending: ServerEvent | None = None  # reported after the last answer
        self._frames = 0  # complete ones; a run of messages counts as one
        self.clocks = ServerClocks(self.settings, now)
        self._more = False

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
        self._owed.check_refusal(code)
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
        self._arrivals.add(self._ending or SessionClosed())

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
        self.clocks.heard(now)
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
        self.clocks.frames(
            now, incomplete=self._decoder.incomplete, advanced=self._frames != before
        )

    def data_to_send(self) -> bytes:
        """Return the bytes for the peer and forget them."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def next_event(self) -> ServerEvent | None:
        """Return the next event, or None."""
        return self._arrivals.next()

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        return min((due for due, _ in self._limits()), default=None)

    def handle_timeout(self, now: float) -> None:
        """Act on the timers that have expired; harmless when none has."""
        for due, reason in self._limits():
            if now >= due:
                self._finish(ServerInput.TIMEOUT, SessionLost(reason, EXPIRED[reason], 0))
                return

    def _limits(self) -> Iterable[tuple[float, LossReason]]:
        return () if self._deaf() else self.clocks.due(owed=bool(self._owed.count))

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
        if first != HINT:
            self._last_txnr = first + count - 1
        self._arrivals.add_messages(first, messages)

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
        size, longest = self._decoder.cut_from or len(frame.data), self.settings.longest_message
        if size > self.settings.max_message_size:
            # `open` may be longer than a message, so the decoder may have let it through.
            if len(frame.data) > longest:
                raise RemoteProtocolError(f"a message of {size} bytes; limit {longest}")
            self._arrivals.add(Oversized(frame.txnr, size, len(frame.data)))
        self._deliver(frame.txnr, [frame.data])

    def _handle_open(self, frame: Frame) -> None:
        if self._state is ServerState.OPEN:
            self._refuse_open(frame.txnr, "protocol error: connection already open")
            return
        try:
            offers, own = accept_open(frame.data)
        except OfferError as error:
            self._refuse_open(frame.txnr, str(error))
            return
        self.clocks.opened()
        self._step(ServerInput.OPEN_ACCEPTED)
        self._answer(frame.txnr, ACCEPTED, "OK", own)
        self._arrivals.add(SessionOpened(offers))

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
        self._arrivals.add(self._ending)

    def _lose(self, happened: ServerInput, reason: LossReason, detail: str) -> None:
        """The peer is gone: nothing can be answered any more."""
        self._stop_taking(happened)
        if isinstance(self._ending, SessionLost):  # what came first says more
            reason, detail = self._ending.reason, self._ending.detail
        self._arrivals.add(SessionLost(reason, detail, self._owed.count))

    def _stop_taking(self, happened: ServerInput) -> None:
        self._step(happened)
        self.clocks.clear()
        self._more = False
        self._decoder.clear()

    def _step(self, happened: ServerInput) -> None:
        self._state = step(SERVER_TRANSITIONS, self._state, happened)

    def _deaf(self) -> bool:
        """After `close` a client sends nothing; what it sends all the same is not read."""
        return self._state not in (ServerState.AWAITING_OPEN, ServerState.OPEN)

    def _over(self) -> bool:
        return self._state in (ServerState.CLOSED, ServerState.LOST)
