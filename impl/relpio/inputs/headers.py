"""A syslog header for lines that have none, so that a server files them under host and program.

    rfc5424   <13>1 2026-11-27T04:05:09.123456+00:00 web1 nginx - - - the line
    rfc3164   <13>Nov 27 04:05:09 web1 nginx: the line

The time is that at which the line was read. A line that begins with a priority, `<0>` to `<191>`,
has a header already and is left as it is.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from relpio.errors import ConfigurationError
from relpio.inputs.base import Input
from relpio.inputs.changed import ChangedInput
from relpio.syslog import FACILITIES, SEVERITIES

__all__ = ["HEADERS", "HeadedInput", "Header"]

HEADERS = ("raw", "rfc5424", "rfc3164")

_HAS_HEADER = re.compile(rb"<(?:0|[1-9][0-9]?|1[0-8][0-9]|19[01])>")
_PRINTABLE = re.compile(r"[!-~]+")  # RFC 5424, 6: PRINTUSASCII
_HOST_LENGTH, _APP_LENGTH = 255, 48  # RFC 5424, 6


@dataclass(frozen=True, kw_only=True)
class Header:
    """What the header of a line says.

    Attributes:
        form: rfc5424 or rfc3164.
        facility: one of `FACILITIES`.
        severity: one of `SEVERITIES`.
        host: the machine's name, 1 to 255 printable ASCII characters without a space.
        app: the program's name (tag), 1 to 48 of them.
    """

    form: Literal["rfc5424", "rfc3164"]
    facility: str
    severity: str
    host: str
    app: str

    def __post_init__(self) -> None:
        """Refuse what would make another header of it."""
        for what, name, longest in (
            ("host name", self.host, _HOST_LENGTH), ("program name", self.app, _APP_LENGTH),
        ):  # fmt: skip
            if not _PRINTABLE.fullmatch(name) or len(name) > longest:
                raise ConfigurationError(
                    f"{what} {name!r}: use 1 to {longest} printable ASCII characters without spaces"
                )
        if self.form == "rfc3164" and _ENDS_TAG.search(self.app):
            raise ConfigurationError(
                f"program name {self.app!r}: ':', '[' and ']' end it in an RFC 3164 header"
            )

    @property
    def size(self) -> int:
        """Bytes that it adds to a line."""
        return len(self.of(0.0))

    def put_before(self, lines: Sequence[bytes], unix_time: float) -> list[bytes]:
        """Return the lines, each with a header."""
        text = self.of(unix_time)
        has_header = _HAS_HEADER.match
        return [line if has_header(line) else text + line for line in lines]

    def of(
        self,
        unix_time: float,
        *,
        facility: int | None = None,
        severity: int | None = None,
        host: str | None = None,
        app: str | None = None,
        process: str | None = None,
    ) -> bytes:
        """Return the header of one message; what is None is as for all.

        Args:
            unix_time: seconds.
            facility: its code.
            severity: its code.
            host: the machine's name, as `host` of all.
            app: the program's name; what would end it in an RFC 3164 header becomes `_`.
            process: the process ID; None means that the header has none.
        """
        facility = FACILITIES.index(self.facility) if facility is None else facility
        severity = SEVERITIES.index(self.severity) if severity is None else severity
        priority = facility * 8 + severity
        host, app = host or self.host, app or self.app
        if self.form == "rfc5424":
            stamp = datetime.fromtimestamp(unix_time, UTC).isoformat(timespec="microseconds")
            return f"<{priority}>1 {stamp} {host} {app} {process or '-'} - - ".encode()
        now = datetime.fromtimestamp(unix_time)  # local, without a zone: RFC 3164, 4.1.2
        stamp = f"{_MONTHS[now.month - 1]} {now.day:2d} {now:%H:%M:%S}"
        number = f"[{process}]" if process else ""
        return f"<{priority}>{stamp} {host} {_ENDS_TAG.sub('_', app)}{number}: ".encode()


_ENDS_TAG = re.compile(r"[:\[\]]")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class HeadedInput(ChangedInput):
    """An input whose lines get a header."""

    def __init__(
        self, source: Input, header: Header, clock: Callable[[], float] = time.time
    ) -> None:
        """Put `header`, with the time of `clock` (Unix time, seconds), before `source`'s lines."""
        super().__init__(source, lambda lines: header.put_before(lines, clock()))
