"""The options of `relpio receive`."""

from __future__ import annotations

from relpio.command import options
from relpio.command.option import Option
from relpio.protocol.frames import DEFAULT_MAX_DATA
from relpio.receiver.formats import FORMATS

__all__ = ["OPTIONS"]

OPTIONS = (
    Option(
        "listen", "", options.listen_address, None, "HOST:PORT",
        "address to listen on; port 0 takes a free one and reports it",
        required=True,
    ),
    Option(
        "output", "", options.text, None, "FILE", "appended to; - is standard output",
        required=True,
    ),
    Option(
        "format", "", options.choice(*sorted(FORMATS)), "line", "FORMAT",
        "how messages are written: line or octet-counted",
    ),
    Option(
        "open-timeout", "", options.duration_or_off, "off", "S",
        "drop a client that has not sent open for so long",
    ),
    Option(
        "max-sessions", "", options.count, "10000", "N",
        "connections at a time; more wait unaccepted",
    ),
    Option(
        "max-message-size", "", options.size, str(DEFAULT_MAX_DATA), "OCTETS",
        "a longer message ends its session",
    ),
    Option(
        "shutdown-timeout", "", options.duration, "5", "S",
        "time to leave in order after SIGTERM",
    ),
)  # fmt: skip
