"""A scenario file in pieces, as its author wrote them: what a page shows of it.

Read as text, not as YAML, so that comments and the way of writing stay.  The file was read as YAML
before it was played.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

_TOLD = ("about", "expect", "reproduces", "control")
"""Keys that the page leaves out of the YAML: its text and its table say them, or nothing does."""

_KEY = re.compile(r"(?P<quote>[\"']?)(?P<key>[^\s#\"'-][^\"':]*)(?P=quote):(?= |$)")


@dataclass(frozen=True)
class Pieces:
    """What stands in a scenario file.

    Attributes:
        play: hosts, path and steps, as written.
        variants: what each changes, by name in the file's order; empty if that is nothing.
    """

    play: str = ""
    variants: dict[str, str] = field(default_factory=dict)


def read_pieces(path: Path) -> Pieces:
    """The pieces of the scenario file at `path`; none if no such file any more."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return Pieces()
    return cut(text)


@dataclass
class _Block:
    """A key of a mapping: what stands before it, its line, and what belongs to it."""

    before: list[str]
    head: str
    body: list[str]

    def text(self) -> str:
        return "\n".join([*self.before, self.head, *self.body])

    def inner(self) -> dict[str, _Block]:
        return _blocks(dedent("\n".join(self.body)))


def cut(text: str) -> Pieces:
    """The pieces of a scenario file's text."""
    whole = _blocks(text)
    play = [
        block.text()
        for key, block in whole.items()
        if key not in (*_TOLD, "scenario", "source", "variants")
    ]
    variants = whole["variants"].inner() if "variants" in whole else {}
    return Pieces(
        "\n".join(play).strip(),
        {name: _difference(variant) for name, variant in variants.items()},
    )


def _difference(variant: _Block) -> str:
    if not variant.body:  # in one line: `name: { family: ipv6 }`
        return variant.head.partition(":")[2].partition(" #")[0].strip()
    told = [block.text() for key, block in variant.inner().items() if key not in _TOLD]
    return "\n".join(each.strip("\n") for each in told)


def _blocks(text: str) -> dict[str, _Block]:
    """Each key that is not indented, with its lines; comments before a key belong to it."""
    blocks: dict[str, _Block] = {}
    last: _Block | None = None
    waiting: list[str] = []
    for line in text.splitlines():
        found = _KEY.match(line)
        if found is not None:
            last = blocks[found["key"].strip()] = _Block(waiting, line, [])
            waiting = []
        elif last is not None and line.startswith(" ") and line.strip():
            last.body += [*waiting, line]
            waiting = []
        elif not line.startswith("# yaml-language-server"):
            waiting.append(line)
    return blocks
