"""Entries of the systemd journal as messages: what `journalctl --output=json` writes.

An entry is an object of fields. A field is a string; an array of numbers, its bytes, where these
are not printable UTF-8; or an array of several values, of which the last one counts here.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from relpio.inputs.framing import pieces
from relpio.inputs.headers import Header

__all__ = ["FIELDS", "Entry", "messages_of", "parse_entry"]

FIELDS = (
    "MESSAGE", "PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "_COMM", "_PID",
    "_HOSTNAME", "_SOURCE_REALTIME_TIMESTAMP",
)  # fmt: skip
"""What is asked for; cursor and time of receipt always come."""

_UNPRINTABLE = re.compile(r"[^!-~]")  # RFC 5424, 6: names are of PRINTUSASCII


class Entry(NamedTuple):
    """An entry of the journal.

    Attributes:
        cursor: its place in the journal.
        message: its text; None if it has none.
        fields: the others that are strings.
    """

    cursor: str
    message: bytes | None
    fields: dict[str, str]


def parse_entry(line: bytes) -> Entry:
    """Read a line of journalctl.

    Raises:
        ValueError: it is not an entry.
    """
    found = json.loads(line)
    if not isinstance(found, dict) or not isinstance(found.get("__CURSOR"), str):
        raise ValueError("it has no cursor")
    fields = {name: value for name, value in found.items() if isinstance(value, str)}
    return Entry(fields.pop("__CURSOR"), _octets(found.get("MESSAGE")), fields)


def messages_of(entry: Entry, header: Header | None, limit: int) -> list[bytes]:
    """Return the messages of an entry: none, one, or pieces if it is longer than `limit` bytes.

    Args:
        entry: an entry.
        header: of what form it is, and what it says where the entry says nothing; None: the text
            alone.
        limit: bytes of the text of a message.
    """
    if entry.message is None:
        return []
    text = entry.message.rstrip(b"\n")
    parts = pieces(text, limit) if len(text) > limit else [text]
    return parts if header is None else [_header_of(entry, header) + part for part in parts]


def _header_of(entry: Entry, header: Header) -> bytes:
    fields = entry.fields
    return header.of(
        unix_time=int(
            fields.get("_SOURCE_REALTIME_TIMESTAMP") or fields.get("__REALTIME_TIMESTAMP") or "0"
        )
        / 1e6,
        facility=_code(fields.get("SYSLOG_FACILITY"), 23),
        severity=_code(fields.get("PRIORITY"), 7),
        host=_name(fields.get("_HOSTNAME"), 255),
        app=_name(fields.get("SYSLOG_IDENTIFIER") or fields.get("_COMM"), 48),
        process=_name(fields.get("SYSLOG_PID") or fields.get("_PID"), 128),
    )


def _octets(value: Any) -> bytes | None:
    if isinstance(value, str):
        return value.encode(errors="surrogatepass")
    if isinstance(value, list) and value:
        if all(type(each) is int and 0 <= each <= 255 for each in value):
            return bytes(value)
        return _octets(value[-1])
    return None


def _code(text: str | None, highest: int) -> int | None:
    if text is None or not (text.isascii() and text.isdigit()) or int(text[:3]) > highest:
        return None
    return int(text)


def _name(text: str | None, longest: int) -> str | None:
    return _UNPRINTABLE.sub("_", text)[:longest] if text else None
