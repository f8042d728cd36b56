"""The `relpio` command: options, help and exit status. The work is in `_send` and `_receive`."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from relpio.command import options
from relpio.command.receive import receive
from relpio.command.send import send
from relpio.logs import JsonLog, Log, TextLog
from relpio.protocol.frames import DEFAULT_MAX_DATA
from relpio.protocol.offers import SOFTWARE
from relpio.receiver.formats import FORMATS

__all__ = ["main"]

_DURATIONS = "Durations are seconds, or carry a unit: 500ms, 30s, 10min, 2h."

_SEND_NOTES = f"""\
Each line is one message, without its LF. A message is forgotten only when the server has
acknowledged it; after the loss of a session everything else is sent again, in order, so up to one
window may arrive twice. At the end of the input, send waits until all is acknowledged.
SIGTERM: stop reading, drain for at most --shutdown-timeout, leave.

{_DURATIONS}

exit status:
  0    every message that was accepted was acknowledged
  1    some were not
  2    the input or an option is wrong
  130  interrupted (Ctrl-C)

ledger: lines "accepted N" and "acked N", also as ranges "acked 5-20", for input message N counted
from 1. A feeder may forget a message once it is acked. Use a new file for each run.

examples:
  journalctl -f -o short-iso | relpio send --target loghost.example.org:2514
  relpio send --target [::1]:2514 --ack-timeout 10 --keepalive 30/5/3 /var/log/app.log
"""

_RECEIVE_NOTES = f"""\
A message is acknowledged when it has been written to the output (not: synced to the disk). While
the output fails, nothing is acknowledged and senders keep their messages.
SIGTERM: stop accepting, answer what was written, tell the clients, leave within
--shutdown-timeout.

{_DURATIONS}

formats:
  line           one message a line; LF and NUL inside a message become #012 and #000
  octet-counted  LEN SP MSG (RFC 6587), nothing changed

examples:
  relpio receive --listen 0.0.0.0:2514 --output /var/log/relp.log
  relpio receive --listen [::1]:0 --output - --log-json
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(argv)
    log: Log = JsonLog() if options.log_json else TextLog()
    run = send if options.command == "send" else receive
    try:
        return asyncio.run(run(options, log))
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="relpio",
        description="Send and receive syslog messages over RELP, with nothing lost on the way.",
    )
    version = b" ".join(SOFTWARE).decode()
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_send(commands)
    _add_receive(commands)
    return parser


def _add_send(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "send",
        help="send lines of files or of standard input",
        description="Send each line of the FILEs, or of standard input, as a RELP message.",
        epilog=_SEND_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("files", nargs="*", metavar="FILE", help="files to send; - is standard input (default)")
    add("--target", required=True, type=options.target_address, metavar="HOST:PORT",
        help="the receiver; IPv6 as [::1]:2514")  # fmt: skip
    add("--window", type=options.count, default=128, metavar="N",
        help="messages that may be unacknowledged at a time (default 128)")  # fmt: skip
    add("--ack-timeout", type=options.duration_or_off, default=30.0, metavar="S",
        help="give a session up when its oldest message is not acknowledged for so long "
        "(default 30; or off)")  # fmt: skip
    add("--open-timeout", type=options.duration_or_off, default=30.0, metavar="S",
        help="the same for the answer to open (default 30; or off)")  # fmt: skip
    add("--connect-timeout", type=options.duration, default=10.0, metavar="S",
        help="limit for name look-up and TCP connect (default 10)")  # fmt: skip
    _add_tcp(parser)
    add("--backoff", type=options.backoff, default="1/60", metavar="FIRST/MAX",
        help="wait between attempts: doubles from FIRST to MAX, with jitter (default 1/60)"
        )  # fmt: skip
    add("--queue-size", type=options.count, default=10_000, metavar="N",
        help="messages held in memory, 64 MiB at most; when full, reading pauses (default 10000)"
        )  # fmt: skip
    _add_common(parser, default_size_of="a line longer than this is an error of the input")
    add("--local-address", metavar="ADDRESS", help="send from this address")
    add("--ledger", type=Path, metavar="FILE", help="append what was accepted and acknowledged")
    add("--seed", type=int, metavar="N", help="make the jitter of the back-off repeatable")


def _add_receive(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "receive",
        help="receive messages and write them to a file",
        description="Receive RELP messages and write them to a file or to standard output.",
        epilog=_RECEIVE_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--listen", required=True, type=options.listen_address, metavar="HOST:PORT",
        help="address to listen on; port 0 takes a free one and reports it")  # fmt: skip
    add("--output", required=True, metavar="FILE", help="appended to; - is standard output")
    add("--format", choices=sorted(FORMATS), default="line",
        help="how messages are written (default line)")  # fmt: skip
    _add_tcp(parser)
    add("--open-timeout", type=options.duration_or_off, default=None, metavar="S",
        help="drop a client that has not sent open for so long (default off)")  # fmt: skip
    add("--max-sessions", type=options.count, default=10_000, metavar="N",
        help="connections at a time; more wait unaccepted (default 10000)")  # fmt: skip
    _add_common(parser, default_size_of="a longer message ends its session")


def _add_tcp(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keepalive", type=options.keepalive, default="60/10/6", metavar="IDLE/INTERVAL/PROBES",
        help="TCP keepalive in whole seconds (default 60/10/6); on: with the timers of the "
        "operating system; off",
    )  # fmt: skip
    parser.add_argument(
        "--user-timeout", type=options.user_timeout, default=None, metavar="S",
        help="TCP_USER_TIMEOUT: how long sent data may stay unacknowledged by the peer's kernel "
        "(default off; resolution 1 ms)",
    )  # fmt: skip


def _add_common(parser: argparse.ArgumentParser, *, default_size_of: str) -> None:
    parser.add_argument(
        "--max-message-size", type=options.count, default=DEFAULT_MAX_DATA, metavar="OCTETS",
        help=f"{default_size_of} (default {DEFAULT_MAX_DATA})",
    )  # fmt: skip
    parser.add_argument(
        "--shutdown-timeout", type=options.duration, default=5.0, metavar="S",
        help="time to leave in order after SIGTERM (default 5)",
    )  # fmt: skip
    parser.add_argument(
        "--log-json", action="store_true", help="log events as JSON Lines on standard error"
    )
