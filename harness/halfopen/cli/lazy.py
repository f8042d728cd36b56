"""Commands that are loaded when they run: what says a version, or lists them, loads none.

To load all of them takes half a second of CPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

COMMANDS: Mapping[str, str] = {
    "run": "Run scenarios and give verdicts.",
    "check": "Judge a saved history again, even that of a killed run.",
    "compare": "Say what became of each variant from one run to another.",
    "page": "Write a page about each scenario of a saved run.",
    "advise": "Show whether an idle connection survives these firewalls.",
    "try": "Try two commands of your own on both sides of a firewall.",
    "import": "Write a starting scenario from ss, conntrack, sysctl or a capture.",
    "demo": "Play the first incident of the library.",
    "library": "List the scenarios that halfopen comes with, or print one.",
    "new": "Write a commented scenario to start from.",
    "validate": "Say what is wrong with scenario files; run nothing.",
    "clean": "Remove the containers and volumes of runs whose process is gone.",
    "doctor": "Show what this machine supports, and what is missing.",
    "profiles": "List the middlebox profiles, or explain one with its sources.",
    "faults": "List the faults, or explain one.",
    "systems": "List the systems under test, or explain one.",
    "checks": "List the checks, or explain one.",
    "schema": "Print the JSON Schema of scenario files, for editors.",
    "kernel": "The kernel of the warp lab: User-Mode Linux on virtual time.",
}
"""Each command, and what the list of commands says of it on 80 columns, in the list's order."""

_MODULES = dict.fromkeys(("profiles", "faults", "systems", "checks"), "listing") | {
    "try": "try_commands",
    "import": "import_captures",
}
"""Where a command is that has no module of its name."""

_FUNCTIONS = {"try": "try_commands", "import": "import_captures"}  # what cannot be a name in Python

_GROUPS = ("kernel",)


class _Deferred(TyperCommand):
    """Stands for a command until it is asked to do something."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **named: Any) -> Any:
        """The context of the command itself."""
        return loaded(cast(str, self.name)).make_context(info_name, args, *more, **named)


def loaded(name: str) -> TyperCommand | TyperGroup:
    """The command of that name.

    Raises:
        ModuleNotFoundError: there is none.
    """
    module = import_module(f"halfopen.cli.{_MODULES.get(name, name)}")
    if name in _GROUPS:
        return get_group(module.app)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name)(getattr(module, _FUNCTIONS.get(name, name)))
    return cast(TyperCommand, get_command(alone))


class Commands(TyperGroup):
    """All commands, in the order of :data:`COMMANDS`."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.commands = {name: _Deferred(name=name, help=said) for name, said in COMMANDS.items()}
