"""The judged connections of configuration files as text, and as annotations of a GitHub job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from halfopen.advice.config_judge import JudgedConnection, Survival

_FORMAT_LEVELS = {Survival.UNSAFE: "error", Survival.NOT_JUDGED: "warning"}


def config_lines(judged: Sequence[JudgedConnection], silent: Sequence[str]) -> Iterator[str]:
    """A line for each connection, and what to write instead; each diff once.

    Args:
        judged: the connections.
        silent: files without any.
    """
    shown: set[str] = set()
    for each in judged:
        what = each.connection.what
        yield f"{each.connection.place}: {each.survival.upper()}: {what}: {each.why}"
        if each.hint:
            yield f"    {each.hint}"
        if each.diff and each.diff not in shown:
            yield from ("", each.diff, "")
        elif each.diff:
            yield "    the change above is right for it, too"
        shown.add(each.diff)
    for path in silent:
        yield f"{path}: no TCP connection to another machine"
    yield summary(judged)


def summary(judged: Sequence[JudgedConnection]) -> str:
    """`3 connections: 1 safe, 2 unsafe`."""
    counts = Counter(each.survival for each in judged)
    number = "1 connection" if len(judged) == 1 else f"{len(judged)} connections"
    parts = [f"{counts[each]} {each}" for each in Survival if counts[each]]
    return f"{number}: {', '.join(parts)}" if parts else number


def annotation_of(each: JudgedConnection) -> tuple[str, str] | None:
    """Level and text of an annotation; None for what is safe."""
    level = _FORMAT_LEVELS.get(each.survival)
    if level is None:
        return None
    said = f"{each.connection.what}: {each.survival}: {each.why}"
    instead = [line[1:] for line in each.diff.splitlines() if added(line)]
    if instead:
        said += "\nwrite instead:\n" + "\n".join(instead)
    elif each.hint:
        said += f"\n{each.hint}"
    return level, said


def added(line: str) -> bool:
    """Whether a line of a unified diff is one to write."""
    return line.startswith("+") and not line.startswith("+++")
