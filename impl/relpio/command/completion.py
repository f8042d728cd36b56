"""`relpio completion`: a script for the shell, made from the parsers that read the options."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterable, Mapping

__all__ = ["add_parser", "bash_completion", "run"]

_FILES = ("FILE", "PATH", "DIR", "OUTPUT")
"""Values of options that name files."""

_SCRIPT = """\
# Completion of relpio for bash, made by `relpio completion bash`.
_relpio()
{{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
    COMPREPLY=()
    if (( COMP_CWORD == 1 )); then
        COMPREPLY=($(compgen -W {commands} -- "$current"))
        return
    fi
    case "${{COMP_WORDS[1]}} $previous" in
{values}
    esac
    case "${{COMP_WORDS[1]}}" in
{options}
    esac
}}
complete -F _relpio relpio
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "completion",
        help="print a script that completes options in the shell",
        description="Print a script that completes commands, options and their values in a shell.",
        epilog='example: eval "$(relpio completion bash)"',
        allow_abbrev=False,
    )
    parser.add_argument("shell", choices=["bash"])


def run(parsers: Mapping[str, argparse.ArgumentParser]) -> int:
    """Run the command and return its exit status; `parsers` are by command, "" is relpio's own."""
    sys.stdout.write(bash_completion(parsers))
    return 0


def bash_completion(parsers: Mapping[str, argparse.ArgumentParser]) -> str:
    """Return a script for bash."""
    values, options = [], []
    for name, parser in parsers.items():
        if not name:
            continue
        positional: list[str] = []
        known: list[str] = []
        for action in parser._actions:
            known += action.option_strings
            if not action.option_strings:
                positional += map(str, action.choices or ())
                continue
            if action.nargs == 0:  # a switch
                continue
            patterns = "|".join(f'"{name} {each}"' for each in action.option_strings)
            values.append(f"        {patterns}) {_values(action)} return ;;")
        words = _words([*positional, *known])
        options.append(f'        {name}) COMPREPLY=($(compgen -f -W {words} -- "$current")) ;;')
    commands = _words([*filter(None, parsers), *parsers[""]._option_string_actions])
    return _SCRIPT.format(
        commands=commands, values="\n".join(values), options="\n".join(options)
    )  # fmt: skip


def _values(action: argparse.Action) -> str:
    if action.choices is not None:
        return f'COMPREPLY=($(compgen -W {_words(action.choices)} -- "$current"));'
    if action.metavar in _FILES:
        return 'COMPREPLY=($(compgen -f -- "$current"));'
    return ""


def _words(words: Iterable[object]) -> str:
    return shlex.quote(" ".join(map(str, words)))
