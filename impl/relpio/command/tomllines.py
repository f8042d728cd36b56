"""On which line of a TOML file each key stands, which `tomllib` does not tell.

The text has been accepted by `tomllib` before, so this scan need not judge it: it only has to tell
keys from what looks like keys inside strings, arrays and comments.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping

__all__ = ["Path", "key_lines", "line_of"]

Path = tuple[str, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY_PART = re.compile(r"[ \t]*(\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*")
# One step inside a value: a string of any kind, a comment, a bracket, or anything else but LF.
_VALUE_STEP = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\''
    r"|#[^\n]*|[\[{]|[\]}]|[^\"'#\[\]{}\n]+|\n",
    re.DOTALL,
)


def key_lines(text: str) -> dict[Path, int]:
    """Return the line, from 1, on which each table and key is first named."""
    ends = [match.start() for match in re.finditer("\n", text)]
    lines: dict[Path, int] = {}
    table: Path = ()
    pos = _skip(text, 0)
    while pos < len(text):
        line = bisect_right(ends, pos - 1) + 1
        header = text[pos] == "["
        start = pos + len(re.compile(r"\[{0,2}").match(text, pos)[0])  # type: ignore[index]
        path, end = _key(text, start)
        if header:
            table, named = path, path
            end = text.find("\n", end)
            pos = _skip(text, end) if end >= 0 else len(text)
        else:
            named = table + path
            pos = _skip(text, _value_end(text, end + 1))
        for length in range(1, len(named) + 1):
            lines.setdefault(named[:length], line)
    return lines


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """Return the line of `path`, or of the innermost table around it that is known; else 1."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _skip(text: str, pos: int) -> int:
    match = _BLANK.match(text, pos)
    return match.end() if match else pos


def _key(text: str, pos: int) -> tuple[Path, int]:
    parts: list[str] = []
    while (match := _KEY_PART.match(text, pos)) is not None:
        written = match[1]
        quoted = written[0] in "\"'"
        parts.append(tomllib.loads(f"key = {written}")["key"] if quoted else written)
        pos = match.end()
        if text[pos : pos + 1] != ".":
            break
        pos += 1
    return tuple(parts), pos


def _value_end(text: str, pos: int) -> int:
    depth = 0
    while (match := _VALUE_STEP.match(text, pos)) is not None:
        step, pos = match[0], match.end()
        if step == "\n" and not depth:
            break
        depth += (step in ("[", "{")) - (step in ("]", "}"))
    return pos
