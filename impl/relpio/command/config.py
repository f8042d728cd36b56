"""Options from the command line and from a TOML file, with one set of names.

    [send]
    target = "loghost.example.org:6514"
    window = 1000

    [send.tls]
    tls = true
    tls-ca = "/etc/ssl/certs/loghost-ca.pem"

The table is the command's name. An option may stand in it, or in the table of its group below it.
The command line overrides the file, option by option; a list is replaced, not added to.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from relpio.command.options import Option
from relpio.command.tomllines import key_lines, line_of
from relpio.errors import ConfigurationError

__all__ = ["ConfigFile"]


class ConfigFile:
    """A TOML file that was read; its tables are judged by `values`."""

    def __init__(self, path: Path, commands: Sequence[str]) -> None:
        """Read the file; `commands` are the tables that it may have.

        Raises:
            ConfigurationError: it cannot be read, is not TOML, or has another table or key.
        """
        self._path = path
        try:
            text = path.read_bytes().decode()
        except OSError as error:
            raise ConfigurationError(f"{path}: {error.strerror or error}") from None
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise ConfigurationError(f"{path}:{line}: not UTF-8, which TOML requires") from None
        try:
            self._data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(_with_line(path, text, str(error))) from None
        except RecursionError:
            raise ConfigurationError(f"{path}: nested too deeply") from None
        self._lines = key_lines(text)
        for name, table in self._data.items():
            if name not in commands or not isinstance(table, dict):
                headers = " or ".join(f"[{command}]" for command in commands)
                hint = f"put options under {headers}"
                raise self._error((name,), f"unknown table {name!r}; {hint}")

    def __contains__(self, command: str) -> bool:
        """Tell whether the file has something to say about `command`."""
        return command in self._data

    def values(self, command: str, options: Sequence[Option]) -> dict[str, Any]:
        """Return the parsed values of the command's table, by `Option.field`.

        Raises:
            ConfigurationError: keys are unknown, stand in a wrong table or twice, or values are
                wrong; the text has a line for each, which begins with FILE:LINE.
        """
        wrong: list[ConfigurationError] = []
        parsed: dict[str, Any] = {}
        by_name = {option.name: option for option in options}
        tables = {option.table for option in options if option.table}
        for path, table, value in self._entries(command, tables):
            try:
                option = self._option(path, by_name, table)
                if option.field in parsed:
                    raise self._error(path, "given twice")
                parsed[option.field] = self._parse(path, option, value)
            except ConfigurationError as error:
                wrong.append(error)
        if wrong:
            raise ConfigurationError("\n".join(map(str, wrong)))
        return parsed

    def _entries(
        self, command: str, tables: Collection[str]
    ) -> Iterator[tuple[tuple[str, ...], str | None, object]]:
        for name, value in self._data.get(command, {}).items():
            if name in tables and isinstance(value, dict):
                for inner, inner_value in value.items():
                    yield (command, name, inner), name, inner_value
            else:
                yield (command, name), None, value

    def _option(
        self, path: tuple[str, ...], by_name: Mapping[str, Option], table: str | None
    ) -> Option:
        option = by_name.get(path[-1])
        if option is None:
            close = difflib.get_close_matches(path[-1], by_name, n=1)
            hint = f"; did you mean {close[0]}?" if close else f" (see relpio {path[0]} --help)"
            raise self._error(path, f"unknown option{hint}")
        if table is not None and option.table != table:
            place = f"[{path[0]}.{option.table}] or [{path[0]}]" if option.table else f"[{path[0]}]"
            raise self._error(path, f"this option belongs in {place}")
        return option

    def _parse(self, path: tuple[str, ...], option: Option, value: object) -> Any:
        try:
            if option.switch:
                if not isinstance(value, bool):
                    raise ConfigurationError("must be true or false")
                return value
            if option.many:
                items = value if isinstance(value, list) else [value]
                return [option.parse(_as_text(item)) for item in items]
            return option.parse(_as_text(value))
        except ConfigurationError as error:
            raise self._error(path, str(error)) from None

    def _error(self, path: tuple[str, ...], text: str) -> ConfigurationError:
        line = line_of(self._lines, path)
        place = f"[{'.'.join(path[:-1])}] " if len(path) > 1 else ""
        key = f"{path[-1]}: " if len(path) > 1 else ""
        return ConfigurationError(f"{self._path}:{line}: {place}{key}{text}")


def _as_text(value: object) -> str:
    """Write a TOML value as one would write it on the command line."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return f"{value}"
    if isinstance(value, list):
        raise ConfigurationError("takes one value, not a list")
    if isinstance(value, dict):
        raise ConfigurationError("takes a value, not a table")
    raise ConfigurationError(f"takes a string or a number, not {value}")


def _with_line(path: Path, text: str, message: str) -> str:
    match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.DOTALL)
    if match is not None:
        return f"{path}:{match[2]}: {match[1]} (column {match[3]})"
    last = text.rstrip().count("\n") + 1
    return f"{path}:{last}: {message}"
