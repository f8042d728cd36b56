"""`relpio man`: manual pages, made from the parsers that also print the help."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from relpio.version import __version__

__all__ = ["add_parser", "manual_page", "run"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "man",
        help="print a manual page, or write all",
        description="Print the manual page of a command in the format of man(7).",
        epilog="relpio man send | man -l -",
        allow_abbrev=False,
    )
    parser.add_argument("page", nargs="?", metavar="COMMAND", help="default: the page of relpio")
    parser.add_argument(
        "--to", type=Path, metavar="DIR",
        help="write all pages here instead, such as /usr/local/share/man/man1",
    )  # fmt: skip


def run(namespace: argparse.Namespace, parsers: Mapping[str, argparse.ArgumentParser]) -> int:
    """Run the command and return its exit status; `parsers` are by command, "" is relpio's own."""
    if namespace.to is not None:
        try:
            for name in parsers:
                path = namespace.to / f"{_title(name)}.1"
                path.write_text(manual_page(name, parsers))
        except OSError as error:
            sys.stderr.write(f"relpio: {error}\n")
            return 2
        return 0
    name = namespace.page or ""
    if name not in parsers:
        known = ", ".join(filter(None, parsers))
        sys.stderr.write(f"relpio: {name!r} has no manual page: use one of {known}\n")
        return 2
    sys.stdout.write(manual_page(name, parsers))
    return 0


def manual_page(name: str, parsers: Mapping[str, argparse.ArgumentParser]) -> str:
    """Return the page of a command; "" is relpio itself."""
    parser = parsers[name]
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    lines = [
        f'.TH {_title(name).upper()} 1 "" "relpio {__version__}"',
        ".SH NAME",
        f"{_title(name)} \\- {_text(_briefly(parser))}",
        ".SH SYNOPSIS",
        _text(usage),
        ".SH DESCRIPTION",
        _text(parser.description or ""),
    ]
    for group in parser._action_groups:
        shown = [each for each in group._group_actions if each.help is not argparse.SUPPRESS]
        if shown:
            lines.append(f'.SH "{(group.title or "").upper()}"')
            for action in shown:
                lines += _entries(action)
    if parser.epilog:
        lines += [".SH NOTES", ".nf", _text(parser.epilog), ".fi"]
    others = ", ".join(f"{_title(each)}(1)" for each in parsers if each != name)
    lines += [".SH SEE ALSO", _text(others)]
    return "\n".join(lines) + "\n"


def _title(name: str) -> str:
    return f"relpio-{name}" if name else "relpio"


def _briefly(parser: argparse.ArgumentParser) -> str:
    return (parser.description or "").rstrip(".").partition(". ")[0]


def _entries(action: argparse.Action) -> Iterator[str]:
    if isinstance(action, argparse._SubParsersAction):
        for choice in action._choices_actions:
            yield from (".TP", f".B {_text(choice.dest)}", _text(choice.help or ""))
        return
    value = action.metavar or ("" if action.nargs == 0 else action.dest.upper())
    if isinstance(value, tuple):
        value = " ".join(value)
    if action.choices is not None and action.metavar is None:
        value = "|".join(map(str, action.choices))
    names = ", ".join(f"\\fB{_text(each)}\\fR" for each in action.option_strings)
    emphasized = f"\\fI{_text(value)}\\fR" if value else ""
    yield ".TP"
    yield " ".join(filter(None, (names, emphasized)))
    if action.help:
        yield _text(action.help.replace("%%", "%"))


def _text(text: str) -> str:
    """Escape what means something to troff, also at the start of a line."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", escaped, flags=re.MULTILINE)
