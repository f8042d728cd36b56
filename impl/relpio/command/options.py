"""What an option is: one description serves the command line, the TOML file and their help."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Option", "merge"]


@dataclass(frozen=True)
class Option:
    """An option of a command.

    Attributes:
        name: as after `--` on the command line, and as the key in the TOML file.
        group: heading in `--help`, and table in the TOML file; empty: the command's own table.
        parse: from the text of a value; raises ConfigurationError with what would be right.
        default: in the form in which a person would write it; None if there is none.
        metavar: what stands for the value in `--help`; None for a switch without a value.
        help: one sentence; the default is added to it.
        many: can be repeated, and is a list in the TOML file.
        required: the command cannot do without it.
        positional: an argument without `--` on the command line.
        shown: `--help` has a line for it.
        live: SIGHUP takes a new value from the configuration file; others need a new start.
    """

    name: str
    group: str
    parse: Callable[[str], Any]
    default: str | None
    metavar: str | None
    help: str
    many: bool = False
    required: bool = False
    positional: bool = False
    shown: bool = True
    live: bool = False

    @property
    def field(self) -> str:
        """The name of the parsed value in a program: `ack_timeout` for `ack-timeout`."""
        return self.name.replace("-", "_")

    @property
    def table(self) -> str:
        """The name of the group's table in the TOML file: `dead-peer` for `dead peer`."""
        return self.group.lower().replace(" ", "-")

    @property
    def switch(self) -> bool:
        """It is on or off, and is a boolean in the TOML file."""
        return self.metavar is None

    def default_value(self) -> Any:
        """The parsed value where nobody gives one."""
        if self.many:
            return [] if self.default is None else [self.parse(self.default)]
        if self.switch:
            return False
        return None if self.default is None else self.parse(self.default)


def merge(
    options: Sequence[Option], given: Mapping[str, Any], file_values: Mapping[str, Any]
) -> argparse.Namespace:
    """Put defaults, the file's values and those of the command line on top of each other."""
    defaults = {option.field: option.default_value() for option in options}
    return argparse.Namespace(**{**defaults, **file_values, **given})
