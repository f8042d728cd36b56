"""The options of `relpio send`, but for its inputs and queues."""

from __future__ import annotations

from relpio.command import values
from relpio.command.options import Option
from relpio.errors import ConfigurationError
from relpio.protocol.frames import DEFAULT_MAX_DATA

__all__ = ["OPTIONS"]


def _whole_or_never(text: str) -> int | None:
    return None if text == "never" else values.count(text)


def _whole_or_forever(text: str) -> int | None:
    return None if text == "forever" else values.whole(text)


def _duration_or_never(text: str) -> float | None:
    return None if text == "never" else values.duration(text)


def _version(text: str) -> int:
    if text not in ("0", "1"):
        raise ConfigurationError(f"{text!r}: RELP has versions 0 and 1")
    return int(text)


OPTIONS = (
    Option(
        "target", "", values.target_address, None, "HOST:PORT",
        "the receiver; IPv6 as [::1]:2514, a Unix socket as unix:/run/relp.sock; several are tried "
        "in this order",
        many=True, required=True, live=True,
    ),
    Option(
        "copy-to", "", values.target_address, None, "HOST:PORT",
        "a further receiver that gets every message, over a queue of its own; the queue options "
        "hold for each, and the address is added to --queue-filename",
        many=True,
    ),
    Option(
        "window", "", values.count, "128", "N", "most unacknowledged messages",
        live=True,
    ),
    Option(
        "max-message-size", "", values.size, str(DEFAULT_MAX_DATA), "BYTES",
        "longest message that the receiver accepts; --oversize says what happens to a longer line",
    ),
    Option(
        "oversize", "", values.choice("abort", "truncate", "accept"), "abort", "MODE",
        "a line above that size: abort: ends the input with an error; truncate: its first bytes "
        "are sent; accept: it is sent, up to --max-accepted-size",
    ),
    Option(
        "max-accepted-size", "", values.size, "16m", "BYTES",
        "with --oversize accept: a line longer than this is still an error",
    ),
    Option(
        "ledger", "", values.path, None, "FILE", "append to it which messages were accepted and "
        "acknowledged"
    ),
    Option(
        "shutdown-timeout", "", values.duration, "5", "S",
        "time for an orderly exit after SIGTERM",
        live=True,
    ),
    Option(
        "relp-version", "", _version, "0", "N",
        "protocol version to offer; librelp only ever offers 0",
        live=True,
    ),
    Option(
        "ack-timeout", "dead peers", values.duration_or_off, "30", "S",
        "give up a session whose oldest message is not acknowledged within this time; or off",
        live=True,
    ),
    Option(
        "open-timeout", "dead peers", values.duration_or_off, "30", "S",
        "the same for the answer to open; or off",
        live=True,
    ),
    Option(
        "connect-timeout", "dead peers", values.duration, "10", "S",
        "limit for name look-up, TCP connect and TLS handshake",
        live=True,
    ),
    Option(
        "backoff", "retries", values.backoff, "1/60", "FIRST/MAX",
        "wait between attempts: doubles from FIRST to MAX, with jitter",
        live=True,
    ),
    Option(
        "nack-retries", "retries", _whole_or_forever, "forever", "N",
        "times to resend a refused message before it goes to --dead-letters",
        live=True,
    ),
    Option(
        "dead-letters", "retries", values.path, None, "FILE",
        "where refused messages are kept, with the receiver's reply: JSON Lines, synced",
    ),
    Option(
        "fail-back", "retries", _duration_or_never, "10min", "S",
        "time after which a target other than the first is left, to try the first; or never",
        live=True,
    ),
    Option(
        "rebind-interval", "retries", _whole_or_never, "never", "N",
        "messages after which the session is closed in order and opened again; or never",
        live=True,
    ),
    Option(
        "seed", "retries", values.integer, None, "N",
        "make the jitter of the back-off repeatable",
    ),
    Option(
        "local-address", "tcp", values.text, None, "ADDRESS", "send from this address", live=True
    ),
)  # fmt: skip
