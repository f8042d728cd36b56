"""The options of `relpio receive`."""

from __future__ import annotations

from relpio.command import values
from relpio.command.metrics_options import METRICS_OPTIONS, listen_address
from relpio.command.options import Option
from relpio.command.output_options import OUTPUT_OPTIONS
from relpio.net.passed import PassedAddress
from relpio.protocol.frames import DEFAULT_MAX_DATA
from relpio.protocol.server import Oversize
from relpio.receiver.binding import ListenAddress
from relpio.receiver.settings import AckDepth

__all__ = ["OPTIONS"]


def receiver_address(text: str) -> ListenAddress:
    """Read HOST:PORT, unix:PATH, or `systemd` with or without the name of a socket."""
    kind, _, name = text.partition(":")
    return (
        PassedAddress(name) if kind == "systemd" and not name.isdecimal() else listen_address(text)
    )


def _count_or_off(text: str) -> int | None:
    return None if text == "off" else values.count(text)


OPTIONS = (
    Option(
        "listen", "", receiver_address, None, "ADDRESS",
        "HOST:PORT or unix:PATH to listen on; [::]:PORT also takes IPv4; port 0 picks a free "
        "one and reports it; systemd, or systemd:NAME: sockets passed by a socket unit",
        many=True, required=True,
    ),
    Option(
        "listen-plain", "", receiver_address, None, "ADDRESS",
        "the same, without TLS beside --listen with --tls",
        many=True,
    ),
    *OUTPUT_OPTIONS,
    Option(
        "ack", "", values.choice(*(depth.value for depth in AckDepth)), "written", "DEPTH",
        "when to acknowledge a message: received: when it is in memory; written: when the output "
        "has written it; synced: when the disk has it",
    ),
    Option(
        "open-timeout", "", values.duration_or_off, "off", "S",
        "drop a client that has not sent open within this time",
        live=True,
    ),
    Option(
        "idle-timeout", "", values.duration_or_off, "off", "S",
        "drop a client that has sent nothing for this long",
        live=True,
    ),
    Option(
        "frame-timeout", "", values.duration_or_off, "60", "S",
        "drop a client that takes longer than this for one frame",
        live=True,
    ),
    Option(
        "max-sessions", "", values.count, "10000", "N",
        "most connections; others wait unaccepted",
        live=True,
    ),
    Option(
        "max-sessions-per-peer", "", _count_or_off, "off", "N",
        "most connections of one address; others are closed at once",
        live=True,
    ),
    Option(
        "permitted-network", "", values.network, None, "NETWORK",
        "accept connections from this network only, such as 192.0.2.0/24 or 2001:db8::/32; others "
        "are closed at once",
        many=True, live=True,
    ),
    Option(
        "max-rate-per-peer", "", _count_or_off, "off", "N",
        "most messages per second of one address; its sessions are read no faster",
        live=True,
    ),
    Option(
        "max-message-size", "", values.size, str(DEFAULT_MAX_DATA), "BYTES",
        "longer messages are oversized",
        live=True,
    ),
    Option(
        "oversize", "", values.choice(*(mode.value for mode in Oversize)), "abort", "MODE",
        "what happens to an oversized message: truncate: the rest of it is discarded; abort: "
        "its session ends; accept: it is taken, up to --max-accepted-size",
        live=True,
    ),
    Option(
        "max-accepted-size", "", values.size, "16m", "BYTES",
        "with --oversize accept, a message longer than this ends its session",
        live=True,
    ),
    Option(
        "shutdown-timeout", "", values.duration, "5", "S",
        "time for an orderly exit after SIGTERM",
        live=True,
    ),
    *METRICS_OPTIONS,
)  # fmt: skip
