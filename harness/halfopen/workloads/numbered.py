"""Messages with an identity and a checksum, recognisable in whatever a program makes of them.

A message is one line, `<134>1 - sender halfopen - - - hf1:TOKEN:SEQ:CRC:PAYLOAD` (a syslog
message by RFC 5424, of facility local0, so that syslog programs take it too).  The part from `hf1:`
on is found again inside any line of output, with whatever header a relay wrote before it.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from halfopen.model.messages import DEFAULT, MessageShape

_MARK = re.compile(rb"hf1:([0-9a-z]{1,16}):(\d{1,12}):([0-9a-f]{8}):([a-z]*)")
_LOCAL0 = 16  # RFC 5424, 6.2.1
_ALPHABET = b"abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Found:
    """What a line of output turned out to be: a message, a damaged one, or neither.

    Attributes:
        seq: its number, or None if the line is no message of this run.
        intact: True if its checksum is right.
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
        form: of a size of at least what the identity needs (about 60 octets).
    """
    name = token.encode()
    priority = _LOCAL0 * 8 + form.severity
    head = b"<%d>1 - sender halfopen - - - hf1:%s:%d:" % (priority, name, seq)
    rest = max(0, form.size - len(head) - 9)
    payload = (_ALPHABET[seq % 26 :] + _ALPHABET * (rest // 26 + 1))[:rest]
    return b"%s%08x:%s" % (head, _checksum(name, seq, payload), payload)


def recognise(token: str, line: bytes) -> Found:
    """What `line` is, in the run `token`."""
    match = _MARK.search(line)
    if match is None or match[1] != token.encode():
        return Found(None, False)
    seq = int(match[2])
    return Found(seq, _checksum(match[1], seq, match[4]) == int(match[3], 16))
