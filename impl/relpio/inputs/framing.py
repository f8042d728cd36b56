r"""How syslog messages lie in a stream: octet counting and LF framing (RFC 6587, 3.4).

    octet counting   "17 <13>1 - - - - - x"      LEN SP MSG, any bytes in MSG
    LF framing       "<13>Jan  1 ...\n"           no LF in MSG

Senders do not say which they use, so `auto` looks at the first byte of each message, as rsyslog
does: a message starts with `<`, a count with a digit. Messages are not looked into, so RFC 5424,
RFC 3164 and anything else pass unchanged.
"""

from __future__ import annotations

import re
from typing import Literal

from relpio.errors import InputError

__all__ = ["FRAMINGS", "Framing", "SyslogStream", "pieces"]

Framing = Literal["auto", "octet-counted", "lf"]

FRAMINGS: tuple[Framing, ...] = ("auto", "octet-counted", "lf")

_COUNT = re.compile(rb"([1-9][0-9]{0,8}) ")
_COUNT_SO_FAR = re.compile(rb"[1-9][0-9]{0,8}")
_LINE_END = re.compile(rb"\n")
_LINE_OR_STRING_END = re.compile(rb"[\n\0]")


class SyslogStream:
    """Takes messages out of one stream.

    A message above `max_line` bytes comes in pieces of that size, so that nothing is lost and no
    peer can take more memory than this and a header; `cut` counts such messages.
    """

    def __init__(self, max_line: int, framing: Framing = "auto", *, nul: bool = False) -> None:
        """Start at the beginning of a stream; with `nul`, NUL ends a line, too (syslog(3))."""
        self.cut = 0
        self._max = max_line
        self._framing = framing
        self._line_end = _LINE_OR_STRING_END if nul else _LINE_END
        self._rest = bytearray()
        self._wanted = 0  # bytes that must be there before another look makes sense
        self._counted = 0  # bytes that the counted message still has
        self._in_line = False
        self._was_cut = False  # of the line under way

    @property
    def buffered(self) -> int:
        """Bytes held: at most `max_line` and a count."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that `data` completes.

        Raises:
            InputError: octet counting is demanded, and this is no count.
        """
        if self._rest:
            self._rest += data
            # Octet by byte, too, a message costs time in proportion to its size.
            if len(self._rest) < self._wanted and (
                self._counted or self._line_end.search(data) is None
            ):
                return []
            data = bytes(self._rest)
            self._rest.clear()
        found: list[bytes] = []
        at = self._split(data, found)
        self._rest += data[at:]
        return found

    def finish(self) -> list[bytes]:
        """Return what came of the message that the end of the stream cut off."""
        # What looked like a count may be longer than a message is allowed to be.
        last = pieces(bytes(self._rest), self._max) if self._rest else []
        self._rest.clear()
        return last

    def _split(self, data: bytes, found: list[bytes]) -> int:
        """Append messages to `found`; return where the incomplete one starts."""
        at, end = 0, len(data)
        self._wanted = 0
        while at < end:
            if self._counted:
                size = min(self._counted, self._max)
                if end - at < size:
                    self._wanted = size
                    return at
                found.append(data[at : at + size])
                at += size
                self._counted -= size
                continue
            if not self._in_line:
                count = self._count(data, at)
                if count is None:
                    return at  # perhaps a count
                if count:
                    at += count
                    continue
                self._in_line = True
            match = self._line_end.search(data, at)
            line_end = end if match is None else match.start()
            if line_end - at > self._max:
                self.cut += not self._was_cut
                self._was_cut = True
                whole = (line_end - at - 1) // self._max * self._max
                found += pieces(data[at : at + whole], self._max)
                at += whole
            if match is None:
                self._wanted = self._max + 1
                return at
            if line_end > at:  # an empty line is no message
                found.append(data[at:line_end])
            at = line_end + 1
            self._in_line = self._was_cut = False
        return at

    def _count(self, data: bytes, at: int) -> int | None:
        """Begin a counted message; return the length of its count, 0 if there is none."""
        if self._framing == "lf":
            return 0
        match = _COUNT.match(data, at)
        if match is not None:
            self._counted = int(match[1])
            self.cut += self._counted > self._max
            return match.end() - at
        if _COUNT_SO_FAR.fullmatch(data, at) is not None:
            return None
        if self._framing == "auto":
            return 0
        raise InputError(f"no octet count: {data[at : at + 20]!r}")


def pieces(message: bytes, size: int) -> list[bytes]:
    """Cut `message` into pieces of `size` bytes; the last one may be shorter."""
    if len(message) <= size:
        return [message]
    return [message[at : at + size] for at in range(0, len(message), size)]
