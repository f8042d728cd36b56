"""The options of `relpio send`, but for its inputs and queues."""

from __future__ import annotations

from relpio.command import options
from relpio.command.option import Option
from relpio.protocol.frames import DEFAULT_MAX_DATA

__all__ = ["OPTIONS"]

OPTIONS = (
    Option(
        "target", "", options.target_address, None, "HOST:PORT",
        "the receiver; IPv6 as [::1]:2514, a Unix socket as unix:/run/relp.sock",
        required=True,
    ),
    Option(
        "window", "", options.count, "128", "N", "messages that may be unacknowledged at a time"
    ),
    Option(
        "ack-timeout", "", options.duration_or_off, "30", "S",
        "give a session up when its oldest message is not acknowledged for so long; or off",
    ),
    Option(
        "open-timeout", "", options.duration_or_off, "30", "S",
        "the same for the answer to open; or off",
    ),
    Option(
        "connect-timeout", "", options.duration, "10", "S",
        "limit for name look-up, TCP connect and TLS handshake",
    ),
    Option(
        "backoff", "", options.backoff, "1/60", "FIRST/MAX",
        "wait between attempts: doubles from FIRST to MAX, with jitter",
    ),
    Option(
        "queue-size", "", options.count, "10000", "N",
        "messages held in memory, 64 MiB at most; when full, reading pauses",
    ),
    Option(
        "max-message-size", "", options.size, str(DEFAULT_MAX_DATA), "OCTETS",
        "a line longer than this is an error of the input",
    ),
    Option(
        "shutdown-timeout", "", options.duration, "5", "S",
        "time to leave in order after SIGTERM",
    ),
    Option("local-address", "", options.text, None, "ADDRESS", "send from this address"),
    Option(
        "ledger", "", options.path, None, "FILE", "append what was accepted and acknowledged"
    ),
    Option(
        "seed", "", options.integer, None, "N", "make the jitter of the back-off repeatable"
    ),
)  # fmt: skip
