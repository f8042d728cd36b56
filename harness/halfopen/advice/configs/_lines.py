"""Files with one setting on each line, such as `name = value`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePath

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
    for start, line in _lines(source, comments):
        match = pattern.fullmatch(line)
        if match is None:
            raise source.error(start, f"cannot read {shortened(line.strip())!r}", f"write {form}")
        value = match["value"] or ""
        at = match.start("value") if match["value"] is not None else match.end("key")
        span = (start + at, start + at + len(value))
        key = named(match["key"])
        found.append(Setting(source, key, value.strip(), start + match.start("key"), span))
    return found


def _lines(source: Source, comments: str) -> Iterator[tuple[int, str]]:
    """Offsets and texts of the lines that are neither empty nor comments."""
    start = 0
    for line in source.text.split("\n"):
        text = line.strip()
        if text and text[0] not in comments:
            yield start, line
        start += len(line) + 1


@dataclass(frozen=True)
class FileSection:
    """Settings below a heading.

    Attributes:
        source: the file.
        kind: of heading; empty for what comes before the first.
        title: the rest of the heading.
        start: offset of the heading.
        settings: in their order.
    """

    source: Source
    kind: str
    title: str
    start: int
    settings: Sequence[Setting]

    @property
    def last(self) -> int:
        """Offset in its last line that is not empty."""
        return max([self.start, *(each.start for each in self.settings)])

    def put(self, values: dict[str, str], form: str) -> list[Edit]:
        """As :func:`put`, within the section."""
        empty = not self.kind and not self.settings
        if not empty:
            return put(self.source, self.settings, values, form, self.last)
        lines = "".join(form.format(key=key, value=value) + "\n" for key, value in values.items())
        return [Edit(self.source, 0, 0, lines)]


def sections_of(
    source: Source,
    heading: re.Pattern[str],
    pattern: re.Pattern[str],
    comments: str,
    form: str,
) -> list[FileSection]:
    """The sections of a file; the first is what comes before any heading.

    Args:
        source: the file.
        heading: of a line, with groups `kind` and `title`.
        pattern: as for :func:`entries_of`.
        comments: as there.
        form: as there.

    Raises:
        InputError: a line has another form.
    """
    headings = [
        (start, match)
        for start, line in _lines(source, comments)
        if (match := heading.fullmatch(line)) is not None
    ]
    blank = source.text
    for start, match in headings:
        blank = f"{blank[:start]}{' ' * len(match[0])}{blank[start + len(match[0]) :]}"
    found = [
        Setting(source, each.key, each.value, each.start, each.span)
        for each in entries_of(Source(source.path, blank), pattern, comments, form)
    ]
    starts = [0, *(start for start, _ in headings)]
    ends = [*starts[1:], len(source.text) + 1]
    kinds = [
        ("", ""),
        *((match["kind"].lower(), (match["title"] or "").strip()) for _, match in headings),
    ]
    return [
        FileSection(
            source, kind, title, start, [each for each in found if start <= each.start < end]
        )
        for (kind, title), start, end in zip(kinds, starts, ends, strict=True)
    ]


_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([a-z]*)\s*", re.IGNORECASE | re.ASCII)


def seconds(entry: Setting, units: Mapping[str, float], text: str | None = None) -> float:
    """A time such as `30`, `5m` or `1h 30m`, in seconds.

    Args:
        entry: the setting.
        units: seconds of each unit, `""` for a bare number.
        text: the time, by default the setting's value.

    Raises:
        InputError: it is not a time.
    """
    said = entry.value if text is None else text
    total, at = 0.0, 0
    while match := _SPAN.match(said, at):
        unit = units.get(match[2]) or units.get(match[2].lower())
        if unit is None:
            break
        total += float(match[1]) * unit
        at = match.end()
    if not said or at != len(said):
        names = ", ".join(each for each in units if each)
        raise entry.error(
            f"{entry.key}: {shortened(said)!r} is not accepted here",
            f"use a number, perhaps with {names}",
        )
    return total


def included(name: str, sources: Sequence[Source]) -> list[Source]:
    """Those of the files that an inclusion of `name`, a file or pattern, takes in."""
    path = PurePath(name)
    # Of `conf.d/*.conf` the directory counts.
    tail = "/".join(path.parts[-2:]).lstrip("/") if "*" in path.name else path.name
    return [each for each in sources if fnmatch(PurePath("/", each.path).as_posix(), f"*/{tail}")]


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
