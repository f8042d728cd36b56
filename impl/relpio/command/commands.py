"""The commands of `relpio` that take options, by name.

Each is loaded when it is asked for: to load both takes twice as long as to load one.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from relpio.command.parser import Command

__all__ = ["NAMES", "all_commands", "load_command"]

_MODULES: Mapping[str, str] = {
    "send": "relpio.command.send_command",
    "receive": "relpio.command.receive_command",
}

NAMES = tuple(_MODULES)
"""Also those of the tables in a configuration file."""


def load_command(name: str) -> Command:
    """Return the command of that name."""
    command: Command = import_module(_MODULES[name]).COMMAND
    return command


def all_commands() -> tuple[Command, ...]:
    """Return all of them, in the order of the help."""
    return tuple(map(load_command, NAMES))
