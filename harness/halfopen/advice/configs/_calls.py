"""Files of calls in blocks: `kind name { driver(argument option(value)); };` of syslog-ng."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from halfopen.advice.config_model import Edit, Source
from halfopen.advice.configs._lines import Setting, shortened

_TOKEN = re.compile(
    r"(?P<skip>\s+|#[^\n]*|^[ \t]*@[^\n]*)"
    r"""|(?P<string>"(?:\\.|[^"\\])*"|'[^']*')"""
    r"""|(?P<mark>[(){};])|(?P<word>[^\s(){};"'#]+)|(?P<open>["'])""",
    re.DOTALL | re.MULTILINE,
)
_CLOSES = {")": "(", "}": "{"}


@dataclass(frozen=True)
class CallArgument:
    """A word without its quotes, and where it is, with them."""

    text: str
    start: int
    end: int


@dataclass
class DriverCall:
    """A name with arguments in round brackets.

    Attributes:
        source: the file.
        name: before the bracket, in lower case, with `-` for `_`.
        start: offset of the name.
        block: words before the brace around it; of nested braces, the innermost.
        arguments: words in it, in their order.
        options: calls in it, the last of each name.
        close: offset of its closing bracket.
    """

    source: Source
    name: str
    start: int
    block: Sequence[str] = ()
    arguments: list[CallArgument] = field(default_factory=list)
    options: dict[str, DriverCall] = field(default_factory=dict)
    close: int = 0

    def setting(self, name: str) -> Setting | None:
        """An option with one word, None if it is missing."""
        found = self.options.get(name)
        if found is None:
            return None
        value = (
            found.arguments[0] if found.arguments else CallArgument("", found.close, found.close)
        )
        return Setting(self.source, name, value.text, found.start, (value.start, value.end))

    def put(self, values: dict[str, str]) -> list[Edit]:
        """Edits that give options these values."""
        edits, missing = [], ""
        for name, value in values.items():
            setting = self.setting(name)
            if setting is None:
                missing += f" {name}({value})"
            elif setting.value != value:
                edits.append(Edit(self.source, *setting.span, value))
        if missing:
            body = self.source.text[: self.close].rstrip()
            at = len(body)
            text = missing if body[-1] != "(" else missing[1:]
            edits.append(Edit(self.source, at, at, text))
        return edits


def calls(source: Source) -> Iterator[DriverCall]:
    """The calls of a file that are in braces and not in another call, in its order.

    Raises:
        InputError: a bracket is missing or too many, or a string has no end.
    """
    # What is open: a bracket, its offset, the words before it, and the call that it begins.
    opened: list[tuple[str, int, list[CallArgument], DriverCall | None]] = []
    blocks: list[tuple[str, ...]] = [()]
    words: list[CallArgument] = []
    for match in _tokens(source):
        text, mark = match["word"] or match["string"], match["mark"]
        inner = opened[-1][3] if opened else None
        if text:
            quoted = match["string"] is not None
            words.append(CallArgument(text[1:-1] if quoted else text, *match.span()))
            if inner is not None:
                inner.arguments.append(words[-1])
        elif mark == "(":
            name = words.pop() if words else CallArgument("", *match.span())
            if inner is not None and inner.arguments and inner.arguments[-1] is name:
                inner.arguments.pop()
            call = DriverCall(source, name.text.lower().replace("_", "-"), name.start, blocks[-1])
            if inner is not None:
                inner.options[call.name] = call
            opened.append((mark, match.start(), [*words, name], call))
            words = []
        elif mark == "{":
            opened.append((mark, match.start(), words, None))
            blocks.append(tuple(each.text for each in words))
            words = []
        elif mark in _CLOSES:
            if not opened or opened[-1][0] != _CLOSES[mark]:
                raise source.error(
                    match.start(), f"a {mark} without its {_CLOSES[mark]}", "remove it"
                )
            *_, before, closed = opened.pop()
            words = before if mark == ")" else []
            if mark == "}":
                blocks.pop()
            if closed is not None:
                closed.close = match.start()
                if opened and opened[-1][0] == "{":
                    yield closed
        elif mark == ";":
            words = []
    if opened:
        mark, start, before, _ = opened[-1]
        said = shortened(" ".join(each.text for each in before))
        raise source.error(start, f"{said} {mark} without its end", "close the bracket")


def _tokens(source: Source) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(source.text):
        match = _TOKEN.match(source.text, at)
        assert match is not None  # each character begins one
        at = match.end()
        if match["open"]:
            raise source.error(
                match.start(), "a string without an end", f"write {match['open']} at its end"
            )
        if match["skip"] is None:
            yield match
