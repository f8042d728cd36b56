"""The frame codec: bytes to frames and back.

    frame = txnr SP command SP datalen [SP data] LF

Two ways lead through the decoder. `next_frame` is the complete grammar with a precise error for
each fault. `take_messages` and `take_acks` are short cuts for the two frames that make up nearly
all traffic: they take a whole run at once (`relpio.loops`) and stop, without an opinion, at the
first byte that is not exactly what they expect. What they leave, `next_frame` judges. So the short
cuts can make nothing pass that the grammar forbids.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from relpio.errors import FrameError, FrameTooLongError, LocalProtocolError
from relpio.loops import count_acks, encode_acks, encode_messages, take_messages
from relpio.protocol.txnr import MAX_TXNR

__all__ = [
    "DEFAULT_MAX_DATA",
    "MAX_COMMAND_LENGTH",
    "Frame",
    "FrameDecoder",
    "encode_acks",
    "encode_frame",
    "encode_messages",
]

DEFAULT_MAX_DATA = 128 * 1024
"""Bytes of data in one frame that a receiver accepts by default; librelp's default, too."""

MAX_COMMAND_LENGTH = 32
"""Letters in a command (RELP specification)."""

MAX_DATALEN = 999_999_999
"""Bytes that a frame can announce: nine digits (RELP specification)."""

_LF = 0x0A

# An absent datalen ("2 syslog \n") counts as 0, as it does in librelp. It is never sent.
_HEADER = re.compile(rb"([0-9]{1,9}) ([A-Za-z]{1,32}) ([0-9]{0,9})([ \n])")
_HEADER_SO_FAR = re.compile(rb"(?:[0-9]{1,9}(?: (?:[A-Za-z]{1,32}(?: [0-9]{0,9})?)?)?)?")

_TLS_RECORDS = (b"\x16", b"\x15")
"""How a handshake and an alert begin, of all versions in use (RFC 8446, 5.1)."""

_SHOWN = 60


class Frame(NamedTuple):
    """One frame: its transaction number (0 for a hint), its command and its data."""

    txnr: int
    command: bytes
    data: bytes


def encode_frame(txnr: int, command: bytes, data: bytes = b"") -> bytes:
    """Build one frame.

    Raises:
        LocalProtocolError: a part does not fit the grammar.
    """
    if not 0 <= txnr <= MAX_TXNR:
        raise LocalProtocolError(f"txnr {txnr} is outside 0..{MAX_TXNR}")
    if not (command.isalpha() and command.isascii() and len(command) <= MAX_COMMAND_LENGTH):
        raise LocalProtocolError(f"command {command!r} is not 1 to {MAX_COMMAND_LENGTH} letters")
    if len(data) > MAX_DATALEN:
        raise LocalProtocolError(f"{len(data)} bytes of data; a frame holds {MAX_DATALEN}")
    if not data:
        return b"%d %b 0\n" % (txnr, command)
    return b"%d %b %d %b\n" % (txnr, command, len(data), data)


class FrameDecoder:
    """Finds frames in a stream of bytes.

    Call `feed`, then `next_frame` until it returns None. What is kept between two calls of `feed`
    is never more than one header and `max_data` bytes.
    """

    def __init__(self, max_data: int = DEFAULT_MAX_DATA, *, cut_messages_at: int = 0) -> None:
        """Refuse frames with more than `max_data` bytes of data as soon as they announce it.

        With `cut_messages_at`, a longer `syslog` frame is not refused, whatever its length: so
        many bytes of its data are kept, the rest is counted and forgotten as it arrives.
        """
        self._max_data = max_data
        self._cut_at = cut_messages_at
        self._cut: _Cut | None = None
        self.cut_from = 0
        """Bytes that the frame returned last announced, if it was cut; otherwise 0."""
        self._buffer = b""
        self._pos = 0
        # An incomplete frame waits here, so that feeding it byte by byte stays linear.
        self._partial = bytearray()
        self._needed = 0
        self._error: FrameError | None = None

    @property
    def buffered(self) -> int:
        """Bytes held that belong to no complete frame yet."""
        kept = 0 if self._cut is None else len(self._cut.kept)
        return len(self._partial) + len(self._buffer) - self._pos + kept

    @property
    def incomplete(self) -> bool:
        """A frame has begun and is not complete."""
        return self._cut is not None or bool(self._partial) or self._pos < len(self._buffer)

    def clear(self) -> None:
        """Forget what is held: nobody wants another frame."""
        self._buffer, self._pos, self._cut = b"", 0, None
        self._partial.clear()

    def feed(self, data: bytes) -> None:
        """Add bytes from the peer. After an error they are thrown away."""
        if self._error is not None:
            return
        if self._cut is not None and self._cut.left:
            self._feed_cut(self._cut, data)
            return
        if self._pos < len(self._buffer):
            self._keep_rest(needed=0)
        if not self._partial:
            self._buffer, self._pos = data, 0
            return
        self._partial += data
        if len(self._partial) >= self._needed:
            self._buffer, self._pos = bytes(self._partial), 0
            self._partial.clear()

    def next_frame(self) -> Frame | None:
        """Return the next complete frame, or None when more bytes are needed.

        Raises:
            FrameTooLongError: the frame announces more than `max_data` bytes.
            FrameError: the bytes are no frame. The decoder is of no use afterwards: each further
                call raises the same error.
        """
        if self._error is not None:
            raise self._error
        try:
            return self._parse()
        except FrameError as error:
            self._error = error
            self._buffer, self._pos, self._cut = b"", 0, None
            raise

    def _parse(self) -> Frame | None:
        self.cut_from = 0
        if self._cut is not None:
            return self._end_cut(self._cut)
        buffer, pos = self._buffer, self._pos
        header = _HEADER.match(buffer, pos)
        if header is None:
            if _HEADER_SO_FAR.fullmatch(buffer, pos) is None:
                raise FrameError(_what_is_wrong(buffer[pos : pos + _SHOWN]))
            self._keep_rest(needed=0)
            return None
        number, command, digits, separator = header.groups()
        size = int(digits or b"0")
        start = header.end()
        if separator == b"\n":
            if size:
                raise FrameError(f"datalen is {size}, but the line ends before the data")
            self._pos = start
            return Frame(int(number), command, b"")
        if size == 0:  # three implementations write a space before the LF here, too
            if start == len(buffer):
                self._keep_rest(needed=start + 1 - pos)
                return None
            if buffer[start] != _LF:
                raise FrameError("a space follows a datalen of 0; only LF may")
            self._pos = start + 1
            return Frame(int(number), command, b"")
        if 0 < self._cut_at < size and command == b"syslog":
            self._cut = _Cut(int(number), size)
            self._buffer, self._pos = b"", 0
            self._feed_cut(self._cut, buffer[start:])
            return self._end_cut(self._cut)
        if size > self._max_data:
            raise FrameTooLongError(
                f"the frame announces {size} bytes of data; the limit is {self._max_data}"
            )
        end = start + size
        if end >= len(buffer):
            self._keep_rest(needed=end + 1 - pos)
            return None
        if buffer[end] != _LF:
            raise FrameError(f"byte {buffer[end]:#04x} where the LF after the data belongs")
        self._pos = end + 1
        return Frame(int(number), command, buffer[start:end])

    def take_messages(self, txnr: int, longest: int, most: int = MAX_TXNR) -> list[bytes]:
        """Return the data of at most `most` `syslog` frames numbered `txnr`, `txnr` + 1 and so on.

        A frame with more than `longest` bytes of data, or none, ends the run.
        """
        if self._cut is not None:  # its LF comes first, or the peer is wrong
            return []
        taken, self._pos = take_messages(self._buffer, self._pos, txnr, longest, most)
        return taken

    def take_acks(self, txnr: int, limit: int) -> int:
        """Skip a run of `200 OK` answers from `txnr` on, at most `limit`; return how many."""
        count, self._pos = count_acks(self._buffer, self._pos, txnr, limit)
        return count

    def _feed_cut(self, cut: _Cut, data: bytes) -> None:
        arrived = min(cut.left, len(data))
        cut.kept += data[: min(arrived, self._cut_at - len(cut.kept))]
        cut.left -= arrived
        self._buffer, self._pos = data[arrived:], 0

    def _end_cut(self, cut: _Cut) -> Frame | None:
        if cut.left or self._pos >= len(self._buffer):
            return None
        if self._buffer[self._pos] != _LF:
            byte = self._buffer[self._pos]
            raise FrameError(f"byte {byte:#04x} where the LF after the data belongs")
        self._pos += 1
        self._cut = None
        self.cut_from = cut.size
        return Frame(cut.txnr, b"syslog", bytes(cut.kept))

    def _keep_rest(self, needed: int) -> None:
        self._partial += self._buffer[self._pos :]
        self._buffer, self._pos = b"", 0
        self._needed = needed


class _Cut:
    """A message that is too long, on its way."""

    __slots__ = ("kept", "left", "size", "txnr")

    def __init__(self, txnr: int, size: int) -> None:
        self.txnr = txnr
        self.size = size
        self.left = size
        self.kept = bytearray()


def _what_is_wrong(octets: bytes) -> str:
    """Say which rule of the grammar a bad header breaks, for the log of an administrator."""
    if octets[:1] in _TLS_RECORDS:
        return f"the peer seems to speak TLS, this side does not; received {octets!r}"
    rules = (
        (rb"[0-9]", "a frame starts with its number"),
        (rb"[0-9]{1,9}(?![0-9])", "a transaction number has at most 9 digits"),
        (rb"[0-9]{1,9} ", "one space follows the transaction number"),
        (rb"[0-9]{1,9} [A-Za-z]", "the command is made of letters"),
        (rb"[0-9]{1,9} [A-Za-z]{1,32}(?![A-Za-z])", "a command has at most 32 letters"),
        (rb"[0-9]{1,9} [A-Za-z]{1,32} ", "one space follows the command"),
        (rb"[0-9]{1,9} [A-Za-z]{1,32} [0-9]{0,9}(?![0-9])", "datalen has at most 9 digits"),
    )
    broken = next((text for rule, text in rules if not re.match(rule, octets)), None)
    return f"{broken or 'datalen is a number, then a space or LF'}; received {octets!r}"
