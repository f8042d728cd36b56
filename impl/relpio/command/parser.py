"""The command line, made from descriptions of options."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relpio.command.options import Option, merge
from relpio.command.reload import Reread
from relpio.command.values import Choice
from relpio.errors import ConfigurationError
from relpio.logs import Log

__all__ = ["Command", "add_command", "check_file", "options_of", "reread_options"]

_HEADINGS = {"": "main options", "tls": "TLS", "tcp": "TCP"}


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command of `relpio` that takes options.

    Attributes:
        name: as on the command line, and as the table of the TOML file.
        help: one line for the list of commands.
        description: one sentence above its own help.
        notes: what its help says after the options.
        options: all of them; names are unique.
        run: does the work and returns the exit status; may read its options again.
        check: raises ConfigurationError when the options do not fit together or cannot be used.
    """

    name: str
    help: str
    description: str
    notes: str
    options: tuple[Option, ...]
    run: Callable[[argparse.Namespace, Log, Reread], Coroutine[Any, Any, int]]
    check: Callable[[argparse.Namespace], object]


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], command: Command
) -> argparse.ArgumentParser:
    """Add a command to the command line, a heading for each group of options."""
    parser = commands.add_parser(
        command.name,
        help=command.help,
        description=command.description,
        epilog=command.notes,
        usage=_usage(command),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    general = parser.add_argument_group("help and configuration")
    general.add_argument("-h", "--help", action="help", help="show this help and exit")
    general.add_argument(
        "--config", type=Path, metavar="FILE",
        help=f"TOML file; its table [{command.name}] holds the same options by the same names, "
        "and the command line overrides it",
    )  # fmt: skip
    groups: dict[str, argparse._ArgumentGroup] = {}
    for option in command.options:
        if option.positional:
            _add_option(parser, option)
            continue
        if option.group not in groups:
            heading = _HEADINGS.get(option.group) or option.group[:1].upper() + option.group[1:]
            groups[option.group] = parser.add_argument_group(heading)
        _add_option(groups[option.group], option)
    return parser


def options_of(
    parser: argparse.ArgumentParser,
    command: Command,
    given: argparse.Namespace,
    tables: Sequence[str],
) -> argparse.Namespace:
    """Return all options of a command, from command line, file and defaults.

    Args:
        parser: the command's own parser, for its usage.
        command: which command.
        given: what the command line says.
        tables: names of all commands, which may have tables in the same file.

    Raises:
        ConfigurationError: the file is wrong.
        SystemExit: an option is missing (status 2; the usage is printed).
    """
    merged = _read(command, given, tables)
    if missing := _missing(command, merged):
        parser.error(_where_missing(missing))
    return merged


def reread_options(
    command: Command, given: argparse.Namespace, tables: Sequence[str]
) -> argparse.Namespace:
    """Return what `options_of` would return now.

    Raises:
        ConfigurationError: the file is wrong, an option is missing, or options do not fit together.
    """
    merged = _read(command, given, tables)
    if missing := _missing(command, merged):
        raise ConfigurationError(_where_missing(missing))
    command.check(merged)
    return merged


def _where_missing(names: Sequence[str]) -> str:
    wanted = ", ".join(f"--{name}" for name in names)
    return f"missing on the command line and in the configuration file: {wanted}"


def _read(command: Command, given: argparse.Namespace, tables: Sequence[str]) -> argparse.Namespace:
    fields = {option.field for option in command.options}
    values = {
        name: value for name, value in vars(given).items() if name in fields and value != []
    }  # fmt: skip
    file_values: dict[str, Any] = {}
    if given.config is not None:
        from relpio.command.config import ConfigFile  # TOML is slow to load

        file = ConfigFile(given.config, tables)
        file_values = file.values(command.name, command.options)
    return merge(command.options, values, file_values)


def _missing(command: Command, merged: argparse.Namespace) -> list[str]:
    return [
        option.name for option in command.options
        if option.required and not getattr(merged, option.field)
    ]  # fmt: skip


def _add_option(parser: Any, option: Option) -> None:
    arguments: dict[str, Any] = {"help": _help(option), "default": argparse.SUPPRESS}
    if option.positional:
        parser.add_argument(
            option.field, nargs="*", metavar=option.metavar, type=_text_of(option.parse),
            help=_help(option), default=None,
        )  # fmt: skip
        return
    if option.switch:
        arguments["action"] = "store_true"
    else:
        arguments |= {"metavar": option.metavar, "type": _text_of(option.parse)}
        if isinstance(option.parse, Choice):  # for completion; the function has the error's words
            arguments["choices"] = option.parse.words
        if option.many:
            arguments["action"] = "append"
    parser.add_argument(f"--{option.name}", dest=option.field, **arguments)


def _text_of(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Let argparse show the text of a ConfigurationError instead of its own."""

    def parse_option(text: str) -> Any:
        try:
            return parse(text)
        except ConfigurationError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse_option


def _usage(command: Command) -> str:
    """Name what is needed: a list of all options helps nobody."""
    parts = [
        f"--{option.name} {option.metavar}" for option in command.options if option.required
    ]  # fmt: skip
    parts.append("[options]")
    parts += [f"[{option.metavar} ...]" for option in command.options if option.positional]
    return f"relpio {command.name} {' '.join(parts)}"


def _help(option: Option) -> str:
    if not option.shown:
        return argparse.SUPPRESS
    notes = [] if option.default is None else [f"default {option.default}"]
    if option.required:
        notes.append("needed")
    elif option.many and not option.positional:
        notes.append("can be repeated")
    text = f"{option.help} ({'; '.join(notes)})" if notes else option.help
    return text.replace("%", "%%")


def check_file(path: Path, commands: Sequence[Command]) -> list[str]:
    """Judge a configuration file and return the commands that it configures.

    Raises:
        ConfigurationError: something in it is wrong; the text has a line for each thing, which
            names file, line and what is right.
    """
    from relpio.command.config import ConfigFile

    file = ConfigFile(path, [command.name for command in commands])
    checked: list[str] = []
    wrong: list[str] = []
    for command in commands:
        if command.name not in file:
            continue
        checked.append(command.name)
        try:
            options = merge(command.options, {}, file.values(command.name, command.options))
        except ConfigurationError as error:
            wrong.append(str(error))
            continue
        if _missing(command, options):  # the rest may stand on the command line
            continue
        try:
            command.check(options)
        except ConfigurationError as error:
            wrong.append(f"{path}: [{command.name}] {error}")
    if wrong:
        raise ConfigurationError("\n".join(wrong))
    return checked
