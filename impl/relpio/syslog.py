"""What the header of a syslog message says, in the forms of RFC 5424 and RFC 3164.

    <13>1 2026-11-27T04:05:09.123456+00:00 web1 nginx 77 ID47 [a@1 b="c"] the text
    <13>Nov 27 04:05:09 web1 nginx[77]: the text
    <13>2026-11-27T04:05:09.123456+00:00 web1 nginx[77]: the text

The third is what rsyslog forwards by default. Nobody checks a header on its way here: each part is
what the sender wrote.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["FACILITIES", "NO_HEADER", "SEVERITIES", "SyslogHeader", "parse_header"]

FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
)  # fmt: skip
"""By their codes (RFC 5424, 6.2.1; the names are those of syslog(3) where it has one)."""

SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"""By their codes (RFC 5424, 6.2.1)."""

_PRIORITY = re.compile(rb"<(0|[1-9][0-9]?|1[0-8][0-9]|19[01])>")
# Lengths: RFC 5424, 6. A part of structured data has no way to match twice, so this is linear.
_RFC5424 = re.compile(
    rb"1 (?P<time>[!-~]{1,64}) (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) (?P<pid>[!-~]{1,128})"
    rb" (?P<id>[!-~]{1,32}) "
    rb'(?:(?P<data>-|(?:\[(?:[^]\\"]|"(?:[^\\"]|\\.)*")*\])+)(?: |\Z))?',
    re.DOTALL,
)
_RFC3164 = re.compile(
    rb"(?P<time>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+Z-]{8,24})"
    rb" (?P<host>[!-~]{1,255}) (?P<app>[!-9;-Z\\^-~]{1,48})(?:\[(?P<pid>[^] ]{0,128})\])?:? ?"
)
_NIL = b"-"


class SyslogHeader(NamedTuple):
    """Parts of a header; None for each that is missing or, in RFC 5424, `-`.

    Attributes:
        facility: its code.
        severity: its code; 0 is the worst.
        time: as the sender wrote it.
        host: the machine's name.
        app: the program's name, or tag.
        process: its number, or what stands for it.
        message_id: kind of the message.
        data: structured data, as the sender wrote it.
        size: bytes of the message before its text.
    """

    facility: int | None
    severity: int | None
    time: str | None = None
    host: str | None = None
    app: str | None = None
    process: str | None = None
    message_id: str | None = None
    data: str | None = None
    size: int = 0


NO_HEADER = SyslogHeader(None, None)


def parse_header(message: bytes) -> SyslogHeader:
    """Read the header of a message, as far as there is one."""
    priority = _PRIORITY.match(message)
    if priority is None:
        return NO_HEADER
    facility, severity = divmod(int(priority[1]), 8)
    at = priority.end()
    found = _RFC5424.match(message, at)
    if found is not None:
        return SyslogHeader(
            facility, severity, _text(found["time"]), _text(found["host"]), _text(found["app"]),
            _text(found["pid"]), _text(found["id"]), _text(found["data"]), found.end(),
        )  # fmt: skip
    found = _RFC3164.match(message, at)
    if found is None:
        return SyslogHeader(facility, severity, size=at)
    return SyslogHeader(
        facility, severity, _text(found["time"]), _text(found["host"]), _text(found["app"]),
        _text(found["pid"]), size=found.end(),
    )  # fmt: skip


def _text(part: bytes | None) -> str | None:
    return None if part is None or part == _NIL else part.decode("utf-8", "replace")
