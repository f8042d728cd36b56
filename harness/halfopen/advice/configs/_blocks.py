"""Files of directives with blocks: `name word word;` and `name word { ... }`, as nginx has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from halfopen.advice.config_model import Source
from halfopen.advice.configs._lines import shortened

_TOKEN = re.compile(
    r"(?P<skip>\s+|#[^\n]*)|(?P<mark>[{};])"
    r"""|(?P<word>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?:\$\{\w*\}|\\.|[^\s{};\\])+|\\)""",
    re.DOTALL,
)


@dataclass(frozen=True)
class Word:
    """A word without its quotes, and where it is, with them."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class ConfigBlock:
    """What a directive with `{ ... }` opens; the file itself has no words.

    Attributes:
        words: before the brace.
        parent: the block around it, None for the file.
    """

    words: Sequence[Word]
    parent: ConfigBlock | None

    @property
    def name(self) -> str:
        """Its first word."""
        return self.words[0].text if self.words else ""

    def around(self) -> Iterator[ConfigBlock]:
        """Itself and the blocks around it, the innermost first."""
        block: ConfigBlock | None = self
        while block is not None:
            yield block
            block = block.parent

    def within(self, name: str) -> bool:
        """Whether it is in a block of that name, or one itself."""
        return any(each.name == name for each in self.around())


@dataclass(frozen=True)
class Directive:
    """A directive that ends with `;`.

    Attributes:
        source: the file.
        words: of it, at least one.
        block: where it is.
    """

    source: Source
    words: Sequence[Word]
    block: ConfigBlock

    @property
    def name(self) -> str:
        """Its first word."""
        return self.words[0].text

    @property
    def start(self) -> int:
        """Offset of its first word."""
        return self.words[0].start

    @property
    def end(self) -> int:
        """Offset after its last word."""
        return self.words[-1].end


def directives(source: Source) -> Iterator[Directive]:
    """The directives of a file, in its order.

    Raises:
        InputError: a `;` or a brace is missing or too many, or a string has no end.
    """
    block = ConfigBlock((), None)
    words: list[Word] = []
    at = 0
    while at < len(source.text):
        match = _TOKEN.match(source.text, at)
        assert match is not None  # each character begins one
        at = match.end()
        if text := match["word"]:
            quoted = len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]
            if text[0] in "\"'" and not quoted:
                raise source.error(match.start(), "a string without an end", f"write {text[0]}")
            words.append(Word(text[1:-1] if quoted else text, *match.span()))
        elif mark := match["mark"]:
            if mark == "}":
                if words:
                    raise _unended(source, words)
                if block.parent is None:
                    raise source.error(match.start(), "a } without its {", "remove it")
                block = block.parent
                continue
            if not words:
                raise source.error(match.start(), f"a {mark} without a directive", "remove it")
            if mark == "{":
                block = ConfigBlock(tuple(words), block)
            else:
                yield Directive(source, tuple(words), block)
            words = []
    if words:
        raise _unended(source, words)
    if block.parent is not None:
        raise source.error(block.words[0].start, f"{block.name} {{ without its }}", "add a }")


def _unended(source: Source, words: Sequence[Word]) -> Exception:
    said = shortened(" ".join(each.text for each in words))
    return source.error(words[0].start, f"{said!r} does not end", "add a ;")
