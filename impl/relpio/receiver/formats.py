"""How received messages are written to a file.

JSON Lines have one object for each message:

    {"received": "2026-11-27T04:05:09.123456+00:00", "peer": "192.0.2.1", "facility": "user",
     "severity": "notice", "time": "Nov 27 04:05:08", "host": "web1", "app": "nginx",
     "process": "77", "text": "the text", "message": "<13>Nov 27 04:05:08 web1 nginx[77]: the text"}

What a message does not have is left out. One that is not UTF-8 has `message_base64` instead of
`text` and `message`, so that nothing is lost.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import chain

from relpio.loops import join_lines
from relpio.receiver.received import Received
from relpio.syslog import FACILITIES, SEVERITIES, SyslogHeader

__all__ = ["FORMATS", "Format", "RecordFormat", "as_lines", "json_lines", "octet_counted"]

Format = Callable[[Sequence[bytes]], bytes]
"""Turns messages, at least one, into the bytes of a file."""


def as_lines(messages: Sequence[bytes]) -> bytes:
    """One message a line. LF and NUL inside a message become #012 and #000, as in rsyslog."""
    return join_lines(messages)


def octet_counted(messages: Sequence[bytes]) -> bytes:
    """`LEN SP MSG` without a separator, after RFC 6587, 3.4.1: nothing is changed or lost."""
    sizes = map(len, messages)
    parts = tuple(chain.from_iterable(zip(sizes, messages, strict=True)))
    return (b"%d %b" * len(messages)) % parts


def json_lines(received: Received) -> bytes:
    """One JSON object a line, with what the header of the message says."""
    came = datetime.fromtimestamp(received.time, UTC).isoformat(timespec="microseconds")
    start: dict[str, object] = {"received": came, "peer": received.peer}
    return b"".join(
        json.dumps({**start, **_parts(header), **_texts(message, header.size)}).encode() + b"\n"
        for message, header in zip(received.messages, received.headers, strict=True)
    )


def _parts(header: SyslogHeader) -> dict[str, object]:
    parts: dict[str, object] = {}
    if header.facility is not None and header.severity is not None:
        parts["facility"] = FACILITIES[header.facility]
        parts["severity"] = SEVERITIES[header.severity]
    for name in ("time", "host", "app", "process", "message_id", "data"):
        value = getattr(header, name)
        if value is not None:
            parts[name] = value
    return parts


def _texts(message: bytes, header_size: int) -> dict[str, object]:
    try:
        text = message.decode()
    except UnicodeDecodeError:
        return {"message_base64": base64.b64encode(message).decode()}
    return {"text": message[header_size:].decode(), "message": text}


RecordFormat = Callable[[Received], bytes]
"""Turns messages, with what is known of them, into the bytes of a file."""

FORMATS: dict[str, RecordFormat] = {
    "line": lambda received: as_lines(received.messages),
    "octet-counted": lambda received: octet_counted(received.messages),
    "json": json_lines,
}
