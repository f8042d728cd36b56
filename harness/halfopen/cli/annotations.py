"""Annotations of a GitHub job: workflow commands on standard output."""

from __future__ import annotations


def annotation(level: str, file: str, line: int, text: str) -> str:
    """A workflow command.

    docs.github.com, "Workflow commands": `%` and the ends of lines are escaped, and in properties
    what ends one.

    Args:
        level: `error` or `warning`.
        file: where, as the repository calls it.
        line: from 1.
        text: what it says.
    """
    where = _escaped(file).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} file={where},line={line}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
