"""Messages with an identity and a checksum, recognisable in whatever a program makes of them.

A message is one line, `<134>1 - sender halfopen - - - hf1:TOKEN:SEQ:CRC:PAYLOAD` (a syslog
message by RFC 5424, of facility local0, so that syslog programs take it too).  The part from `hf1:`
on is found again inside any line of output, with whatever header a relay wrote before it.
"""

from __future__ import annotations

import bisect
import re
import zlib
from dataclasses import dataclass

from halfopen.model.messages import DEFAULT, MessageShape
from halfopen.model.program import Framing

_MARK = re.compile(rb"hf1:([0-9a-z]{1,16}):(\d{1,12}):([0-9a-f]{8}):([a-z]*)")
_BEGIN = b"hf1:"
_LOCAL0 = 16  # RFC 5424, 6.2.1
_ALPHABET = b"abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Found:
    """What a line of output turned out to be: a message, a damaged one, or neither.

    Attributes:
        seq: its number, or None if the line is no message of this run.
        intact: True if it is as it was sent.
    """

    seq: int | None
    intact: bool


def _checksum(token: bytes, seq: int, payload: bytes) -> int:
    return zlib.crc32(b"%s:%d:%s" % (token, seq, payload))


def message(token: str, seq: int, form: MessageShape = DEFAULT) -> bytes:
    """The line for number `seq` of the run `token`, without its line feed.

    Args:
        token: 1 to 16 lower-case letters or digits, one for each run.
        seq: from 1.
        form: of a size of at least what the identity needs (about 60 bytes).
    """
    name = token.encode()
    priority = _LOCAL0 * 8 + form.severity
    head = b"<%d>1 - sender halfopen - - - hf1:%s:%d:" % (priority, name, seq)
    rest = max(0, form.size - len(head) - 9)
    payload = (_ALPHABET[seq % 26 :] + _ALPHABET * (rest // 26 + 1))[:rest]
    return b"%s%08x:%s" % (head, _checksum(name, seq, payload), payload)


class Messages:
    """The messages of one run: made, and recognised in an output.

    Args:
        token: identity of the run's messages.

    Attributes:
        rewritten: a program of the run may put a header of its own before what it passes on.
    """

    def __init__(self, token: str) -> None:
        self._token = token
        self._shapes: list[tuple[int, MessageShape]] = []  # first number of each run of one shape
        self._last = 0
        self.rewritten = False

    def begin(self, numbers: range, form: MessageShape) -> None:
        """Messages with these numbers are going to be sent; each number but once."""
        bisect.insort(self._shapes, (numbers.start, form), key=lambda each: each[0])
        self._last = max(self._last, numbers.stop - 1)

    def make(self, numbers: range) -> list[bytes]:
        """The lines for `numbers`, which were begun together."""
        shape = self._shape(numbers.start)
        return [message(self._token, number, shape) for number in numbers]

    def recognise(self, line: bytes, framing: Framing) -> Found:
        """What `line` of an output is.

        It is intact if it is exactly what was sent, in the output's `framing`.  A number that was
        never sent is intact if its checksum is right: it is for others to say that it is strange.
        """
        match = _MARK.search(line)
        if match is None or match[1] != self._token.encode():
            return Found(None, False)
        seq = int(match[2])
        if not 1 <= seq <= self._last:
            return Found(seq, _checksum(match[1], seq, match[4]) == int(match[3], 16))
        sent = message(self._token, seq, self._shape(seq))
        if framing == "line" or (framing == "as sent" and not self.rewritten):
            return Found(seq, line == sent)
        text = sent[sent.index(_BEGIN) :]
        alone = line.find(_BEGIN, match.end()) < 0
        if framing == "anywhere":
            return Found(seq, alone and match[0] == text)
        return Found(seq, alone and line[match.start() :] == text)

    def _shape(self, number: int) -> MessageShape:
        place = bisect.bisect_right(self._shapes, number, key=lambda each: each[0])
        return self._shapes[place - 1][1]
