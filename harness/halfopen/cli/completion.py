"""What a shell offers for the values of options and arguments."""

from __future__ import annotations

from collections.abc import Iterable

import typer

from halfopen.labs import all_labs
from halfopen.profiles import all_profiles
from halfopen.runner.auto import AUTO
from halfopen.scenario import library
from halfopen.vocabulary import default_vocabulary


def labs(incomplete: str) -> list[str]:
    """Names for `--lab`."""
    return _beginning([AUTO, *all_labs()], incomplete)


def firewalls(incomplete: str) -> list[str]:
    """Profiles for `--firewall`."""
    return _beginning(all_profiles(), incomplete)


def scenarios(incomplete: str) -> list[str]:
    """`@NAME` for each scenario of the library; files are left to the shell."""
    if not incomplete.startswith("@"):
        return []
    return [f"@{name}" for name in library_names(incomplete[1:])]


def library_names(incomplete: str) -> list[str]:
    """The scenarios of the library, with their directory or without."""
    names = library.names()
    return _beginning({*names, *(name.rpartition("/")[2] for name in names)}, incomplete)


def listed(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names that the command `profiles`, `faults`, `systems` or `checks` lists."""
    vocabulary = default_vocabulary()
    found: Iterable[str] = getattr(vocabulary, str(ctx.info_name))
    return _beginning(found, incomplete)


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(each for each in names if each.startswith(incomplete))
