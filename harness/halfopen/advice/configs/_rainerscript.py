"""rsyslog's two syntaxes, as far as they describe connections.

RainerScript's objects (`input(type="imtcp" port="514")`) are found wherever they stand, since
rule sets and conditions hold some.  Of the old syntax, `$Directive value` and the forwarding
`@@host:port` are read, line by line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from halfopen.advice.config_model import Source
from halfopen.advice.configs._lines import shortened

_SPACE = r"(?:\s+|#[^\n]*|/\*.*?\*/)"
_STRING = r'"(?:\\.|[^"\\])*"|' + r"'(?:\\.|[^'\\])*'"
_TOKEN = re.compile(
    r"(?P<skip>#[^\n]*|/\*.*?\*/)"
    r'|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|^[ \t]*\$(?P<directive>\w+)(?:[ \t]+(?P<argument>[^#\n]*))?"
    r"|(?<!\S)@@(?P<options>\([^)\n]*\))?(?P<target>\[[^\]\n]+\]|[^\s:;\[(]+)(?::(?P<port>\w+))?"
    r"(?:;(?P<template>\w+))?"
    r"|(?<![\w.$!-])(?P<kind>module|input|action)\s*\(",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_PARAMETER = re.compile(
    rf"{_SPACE}*(?P<name>[A-Za-z_][\w.]*)\s*=\s*(?P<value>{_STRING}|\[[^\]]*\])\s*,?",
    re.DOTALL,
)
_CLOSED = re.compile(rf"{_SPACE}*(?P<end>\))", re.DOTALL)


@dataclass(frozen=True)
class Parameter:
    """A parameter: its value without quotes, and where that is, with them."""

    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Statement:
    """An object, a directive or a forwarding.

    Attributes:
        source: the file.
        kind: `module`, `input`, `action`, `directive` or `forward`, in lower case.
        name: of a directive, in lower case; the target of a forwarding.
        parameters: of an object by name, in lower case; `value` of a directive; `port`,
            `options` and `template` of a forwarding.
        start: offset where it begins.
        end: where more parameters may be added; of a directive, where its line ends.
    """

    source: Source
    kind: str
    name: str
    parameters: Mapping[str, Parameter]
    start: int
    end: int

    def value(self, name: str, usual: str = "") -> str:
        """The value of a parameter."""
        found = self.parameters.get(name)
        return usual if found is None else found.value


def statements(source: Source) -> Iterator[Statement]:
    """What a file says, in its order.

    Raises:
        InputError: the parameters of an object cannot be read.
    """
    at = 0
    while match := _TOKEN.search(source.text, at):
        at = match.end()
        if match["kind"]:
            statement = _object(source, match)
            at = statement.end + 1
            yield statement
        elif match["directive"]:
            value = (match["argument"] or "").rstrip()
            start = match.start("argument") if match["argument"] is not None else at
            given = {"value": Parameter(value.strip('"'), start, start + len(value))}
            end = source.end_of_line(match.start("directive"))
            begin = match.start("directive") - 1
            yield Statement(source, "directive", match["directive"].lower(), given, begin, end)
        elif match["target"]:
            given = {
                name: Parameter(match[name], *match.span(name))
                for name in ("port", "options", "template")
                if match[name]
            }
            yield Statement(source, "forward", match["target"], given, match.start(), at)


def _object(source: Source, match: re.Match[str]) -> Statement:
    kind = match["kind"].lower()
    parameters: dict[str, Parameter] = {}
    at = match.end()
    while (closed := _CLOSED.match(source.text, at)) is None:
        found = _PARAMETER.match(source.text, at)
        if found is None:
            rest = source.text[at:].strip().partition("\n")[0]
            raise source.error(
                at + len(source.text[at:]) - len(source.text[at:].lstrip()),
                f"cannot read the parameters of {kind}() "
                + (f"at {shortened(rest)!r}" if rest else "to their end"),
                f'write {kind}(name="value" ...)',
            )
        name = found["name"].lower()
        if name in parameters:
            raise source.error(
                found.start("name"), f"duplicate parameter {found['name']!r}", "keep one of them"
            )
        parameters[name] = Parameter(found["value"][1:-1], *found.span("value"))
        at = found.end()
    return Statement(source, kind, kind, parameters, match.start("kind"), closed.start("end"))
