"""Terms of Erlang, as far as configuration files have them: `[{rabbit, [{heartbeat, 60}]}]`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from halfopen.advice.config_model import Source
from halfopen.advice.configs._lines import shortened

_TOKEN = re.compile(
    r"(?P<skip>\s+|%[^\n]*)"
    r"""|(?P<quoted>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
    r"|(?P<binary><<[^>]*>>)|(?P<open>#\{|[{\[])|(?P<close>[}\]])|(?P<between>=>|[,|])"
    r"|(?P<word>[\w@#$+-]+(?:\.\d[\w+-]*)?)|(?P<dot>\.)|(?P<bad>.)",
    re.DOTALL | re.ASCII,
)
_ENDS = {"{": "}", "#{": "}", "[": "]"}


@dataclass
class Term:
    """A word, or what is in brackets.

    Attributes:
        text: a word without quotes, a binary as it is written; of brackets the opening one.
        items: in the brackets.
        start: offset where it begins.
        end: offset after it.
    """

    text: str
    start: int
    end: int = 0
    items: list[Term] = field(default_factory=list)

    def value(self, name: str) -> Term | None:
        """What comes after `name` in the last tuple `{name, ...}` of a list; None if none does."""
        found = None
        for each in self.items:
            if each.text == "{" and len(each.items) == 2 and each.items[0].text == name:
                found = each.items[1]
        return found


def terms(source: Source) -> Sequence[Term]:
    """The terms of a file, each with a full stop after it.

    Raises:
        InputError: a bracket is missing or too many, or what is there is not a term.
    """
    root = Term("", 0, len(source.text))
    opened = [root]
    for match in _tokens(source):
        if word := match["word"] or match["quoted"] or match["binary"]:
            text = word[1:-1] if match["quoted"] else word
            opened[-1].items.append(Term(text, *match.span()))
        elif match["open"]:
            term = Term(match["open"], match.start())
            opened[-1].items.append(term)
            opened.append(term)
        elif match["close"]:
            if len(opened) == 1 or _ENDS[opened[-1].text] != match["close"]:
                raise source.error(
                    match.start(), f"a {match['close']} without its beginning", "remove it"
                )
            opened.pop().end = match.end()
        elif match["dot"] and len(opened) > 1:
            raise source.error(match.start(), "a full stop within brackets", "close them before it")
    if len(opened) > 1:
        raise source.error(
            opened[-1].start, f"a {opened[-1].text} without its end", "close the bracket"
        )
    return root.items


def _tokens(source: Source) -> Iterator[re.Match[str]]:
    for match in _TOKEN.finditer(source.text):
        if match["bad"]:
            line = source.text[match.start() : source.end_of_line(match.start())]
            raise source.error(
                match.start(), f"cannot read {shortened(line)!r}", "write Erlang terms"
            )
        if match["skip"] is None:
            yield match
