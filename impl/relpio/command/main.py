"""The `relpio` command: its commands, help and exit status. The work is done elsewhere."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from relpio.command.commands import NAMES, all_commands, load_command
from relpio.command.memory import keep_freed_memory
from relpio.command.notes import OVERVIEW
from relpio.command.parser import add_command, check_file, options_of, reread_options
from relpio.command.reload import Reread
from relpio.errors import ConfigurationError
from relpio.logs import JsonLog, Log, TextLog
from relpio.protocol.offers import SOFTWARE

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    parser, parsers = _parsers(argv[0] if argv else "")
    given = parser.parse_args(argv)
    if given.command not in NAMES:  # nothing to read again: see relpio/__main__.py
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    if given.command == "queue":
        from relpio.command import queue_command

        return queue_command.run(given)
    if given.command == "man":
        from relpio.command import manual

        return manual.run(given, parsers)
    if given.command == "completion":
        from relpio.command import completion

        return completion.run(parsers)
    log: Log
    try:
        if given.command == "check-config":
            return _check_config(given.file)
        command = load_command(given.command)
        options = options_of(parsers[command.name], command, given, NAMES)
    except ConfigurationError as error:
        log = TextLog()
        for line in str(error).splitlines():  # one for each thing that is wrong
            log("error", detail=line)
        return 2
    log = JsonLog() if options.log_json else TextLog()
    keep_freed_memory()
    try:
        reread = Reread(command.options, partial(reread_options, command, given, NAMES))
        return asyncio.run(command.run(options, log, reread))
    except KeyboardInterrupt:
        return 130


def _parsers(asked: str) -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Make the parser of the command line and those of its commands, by name; "" is its own.

    Args:
        asked: the first argument: if it is `send` or `receive`, no other command is loaded.
    """
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
    if asked in NAMES:
        add_command(commands, load_command(asked))
    else:
        _add_all(commands)
    return parser, {"": parser, **commands.choices}


def _add_all(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from relpio.command import completion, manual, queue_command

    for command in all_commands():
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


def _check_config(path: Path) -> int:
    checked = check_file(path, all_commands())
    sys.stdout.write(
        f"{path}: valid, for {' and '.join(checked) or 'no command: the file is empty'}\n"
    )
    return 0
