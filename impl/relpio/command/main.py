"""The `relpio` command: its commands, help and exit status. The work is done elsewhere."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from relpio.command import (
    completion,
    input_options,
    manual,
    queue_command,
    queue_options,
    receive_options,
    send_options,
)
from relpio.command.common_options import LOG_OPTIONS, TCP_OPTIONS, TLS_OPTIONS
from relpio.command.memory import keep_freed_memory
from relpio.command.metrics_options import METRICS_OPTIONS
from relpio.command.notes import OVERVIEW, RECEIVE_NOTES, SEND_NOTES
from relpio.command.options import Option
from relpio.command.parser import Command, add_command, check_file, options_of, reread_options
from relpio.command.receive import check_receive, receive
from relpio.command.reload import Reread
from relpio.command.send import check_send, send
from relpio.command.values import text
from relpio.errors import ConfigurationError
from relpio.logs import JsonLog, Log, TextLog
from relpio.protocol.offers import SOFTWARE

__all__ = ["COMMANDS", "main"]

_FILES = Option(
    "files", "", text, None, "FILE", "files to send; - is standard input (default)",
    many=True, positional=True,
)  # fmt: skip


def _briefly(option: Option) -> Option:
    """Leave out of the help what it says already: both queues have the same parameters."""
    if option.group != "main queue":
        return option
    if option.name == "main-queue-type":
        more = "; every parameter of the queue also exists as --main-queue-..."
        return dataclasses.replace(option, help=option.help + more)
    return dataclasses.replace(option, shown=False)


SEND = Command(
    name="send",
    help="send lines of files or of standard input",
    description="Send each line of the FILEs, or of standard input, as a RELP message.",
    notes=SEND_NOTES,
    options=(
        _FILES,
        *send_options.OPTIONS,
        *LOG_OPTIONS,
        *TCP_OPTIONS,
        *TLS_OPTIONS,
        *input_options.OPTIONS,
        *map(_briefly, queue_options.OPTIONS),
        *METRICS_OPTIONS,
    ),
    run=send,
    check=check_send,
)

RECEIVE = Command(
    name="receive",
    help="receive messages and write them to a file",
    description="Receive RELP messages and write them to a file or to standard output.",
    notes=RECEIVE_NOTES,
    options=(*receive_options.OPTIONS, *LOG_OPTIONS, *TCP_OPTIONS, *TLS_OPTIONS),
    run=receive,
    check=check_receive,
)

COMMANDS = (SEND, RECEIVE)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser, parsers = _parsers()
    given = parser.parse_args(argv)
    if given.command not in [
        each.name for each in COMMANDS
    ]:  # nothing to read again: see relpio/__main__.py
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    if given.command == "queue":
        return queue_command.run(given)
    if given.command == "man":
        return manual.run(given, parsers)
    if given.command == "completion":
        return completion.run(parsers)
    log: Log
    try:
        if given.command == "check-config":
            return _check_config(given.file)
        command = next(each for each in COMMANDS if each.name == given.command)
        options = options_of(parsers[command.name], command, given, COMMANDS)
    except ConfigurationError as error:
        log = TextLog()
        for line in str(error).splitlines():  # one for each thing that is wrong
            log("error", detail=line)
        return 2
    log = JsonLog() if options.log_json else TextLog()
    keep_freed_memory()
    try:
        reread = Reread(command.options, partial(reread_options, command, given, COMMANDS))
        return asyncio.run(command.run(options, log, reread))
    except KeyboardInterrupt:
        return 130


def _parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    parser = argparse.ArgumentParser(
        prog="relpio",
        description="Send and receive syslog messages over RELP, with nothing lost on the way.",
        epilog=OVERVIEW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    version = b" ".join(SOFTWARE).decode()
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        add_command(commands, command)
    queue_command.add_parser(commands)
    check = commands.add_parser(
        "check-config",
        help="check a configuration file",
        description="Read a TOML file like send and receive, and report what is wrong and where.",
        epilog="exit status: 0 if it is valid, 2 if it is not",
    )
    check.add_argument("file", type=Path, metavar="FILE")
    manual.add_parser(commands)
    completion.add_parser(commands)
    return parser, {"": parser, **commands.choices}


def _check_config(path: Path) -> int:
    checked = check_file(path, COMMANDS)
    sys.stdout.write(
        f"{path}: valid, for {' and '.join(checked) or 'no command: the file is empty'}\n"
    )
    return 0
