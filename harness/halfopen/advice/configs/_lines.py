"""Files with one setting on each line, such as `name = value`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from halfopen.advice.config_model import Edit, Source
from halfopen.errors import InputError

_DIGITS = 9  # more than any timer has


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        source: the file.
        key: its name, as the file's syntax compares it.
        value: without quotes and comment.
        start: offset of the name.
        span: offsets of the value as it is written.
    """

    source: Source
    key: str
    value: str
    start: int
    span: tuple[int, int]

    def error(self, what: str, remedy: str = "") -> InputError:
        """The exception for what is wrong with it."""
        return self.source.error(self.start, what, remedy)


def entries_of(
    source: Source,
    pattern: re.Pattern[str],
    comments: str,
    form: str,
    named: Callable[[str], str] = str.lower,
) -> list[Setting]:
    """The settings of a file.

    Args:
        source: the file.
        pattern: of a line, with groups `key` and `value`.
        comments: characters that begin a comment at the beginning of a line.
        form: of a line that is right, for messages.
        named: name of a key.

    Raises:
        InputError: a line has another form.
    """
    found = []
    start = 0
    for line in source.text.split("\n"):
        text = line.strip()
        if text and text[0] not in comments:
            match = pattern.fullmatch(line)
            if match is None:
                raise source.error(start, f"cannot read {shortened(text)!r}", f"write {form}")
            value = match["value"] or ""
            at = match.start("value") if match["value"] is not None else match.end("key")
            span = (start + at, start + at + len(value))
            key = named(match["key"])
            found.append(Setting(source, key, value.strip(), start + match.start("key"), span))
        start += len(line) + 1
    return found


def shortened(text: str) -> str:
    """The beginning of a text, for messages."""
    return text if len(text) <= 40 else f"{text[:37]}..."


def whole(entry: Setting, most: int = 10**_DIGITS - 1) -> int:
    """A value that is a whole number.

    Raises:
        InputError: it is not, or larger than `most`.
    """
    text = entry.value
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS and int(text) <= most):
        raise entry.error(
            f"{entry.key}: {shortened(text)!r} is not accepted here",
            f"use a whole number from 0 to {most}",
        )
    return int(text)


def one_of(entry: Setting, yes: Iterable[str], no: Iterable[str]) -> bool:
    """A value that is one of some words for yes or no, in any case.

    Raises:
        InputError: it is none of them.
    """
    yes, no = list(yes), list(no)
    if entry.value.lower() in yes:
        return True
    if entry.value.lower() in no:
        return False
    raise entry.error(
        f"{entry.key}: {shortened(entry.value)!r} is not accepted here",
        f"use {yes[0]} or {no[0]}",
    )


def put(
    source: Source,
    entries: Sequence[Setting],
    values: dict[str, str],
    form: str,
    after: int | None = None,
) -> list[Edit]:
    """Edits that give keys these values: the last entry is changed, what is missing is added.

    Args:
        source: the file to which new lines are added.
        entries: those that count.
        values: by key.
        form: of a new line, with `{key}` and `{value}`.
        after: offset in the line after which new lines come; by default the file's end.
    """
    edits, missing = [], []
    for key, value in values.items():
        last = next((each for each in reversed(entries) if each.key == key.lower()), None)
        if last is None:
            missing.append(form.format(key=key, value=value))
        else:
            edits.append(Edit(last.source, *last.span, value))
    if missing:
        body = source.text.rstrip()
        at = len(body) if after is None else source.end_of_line(after)
        text = "".join(f"\n{each}" for each in missing)
        edits.append(Edit(source, at, at, text if body else f"{text[1:]}\n"))
    return edits
