"""What a GitHub job shows: annotations of files, and the summary of the job."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from halfopen.errors import OutputError
from halfopen.model.units import count, format_duration
from halfopen.model.verdict import VariantResult, Verdict
from halfopen.report._text import MARKS, off_target, printable
from halfopen.runner.twice import differs

SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable that names the file to which a step appends Markdown (docs.github.com, "Variables
reference")."""

_LEVELS = {Verdict.FAIL: "error", Verdict.ERROR: "error", Verdict.UNKNOWN: "error"}


def annotation(level: str, file: str, line: int, text: str, title: str = "") -> str:
    """A workflow command.

    docs.github.com, "Workflow commands": `%` and the ends of lines are escaped, and in properties
    what ends one.

    Args:
        level: `error` or `warning`.
        file: where, as the repository calls it.
        line: from 1.
        text: what it says.
        title: shown above it.
    """
    named = f",title={_property(title)}" if title else ""
    return f"::{level} file={_property(file)},line={line}{named}::{_escaped(text)}"


def annotations_of(results: Sequence[VariantResult]) -> list[str]:
    """One for each check that did not give what its scenario expects, at its line.

    What `--control` and `--twice` found is said at the first line of the scenario.
    """
    found = []
    for each in results:
        title = f"{each.scenario} / {each.variant}"
        found += [
            annotation("error", each.file, 1, printable(words), printable(title))
            for words in _beside_checks(each)
        ]
        if each.verdict.as_expected:
            continue
        level = _LEVELS.get(each.verdict, "warning")
        places = [(c.line or 1, f"{c.label or c.check}: {c.why}") for c in off_target(each)]
        for line, words in places or [(1, each.why)]:
            text = f"{each.verdict.value}: {printable(words)}"
            found.append(annotation(level, each.file, line, text, printable(title)))
    return found


def _beside_checks(result: VariantResult) -> list[str]:
    """Why a variant is not as expected, though its checks may be."""
    found = []
    if result.control is not None and not result.control.clean:
        found.append(f"not clean under --control: {result.control.in_words}")
    if differs(result):
        found.append(f"not the same twice: {result.extra['twice']}")
    return found


def summary(results: Sequence[VariantResult]) -> str:
    """A table of all variants in Markdown, those that are not as expected first."""
    expected = sum(map(_as_expected, results))
    lines = [f"### halfopen: {expected} of {count(len(results), 'variant')} as expected", ""]
    lines += ["| verdict | variant | why | simulated |", "|---|---|---|---|"]
    for each in sorted(results, key=_as_expected):
        why = "; ".join([each.why, *_beside_checks(each)])
        cells = (MARKS[each.verdict], f"{each.scenario} / {each.variant}", why)
        shown = " | ".join(_cell(printable(cell)) for cell in cells)
        lines.append(f"| {shown} | {format_duration(each.virtual_s)} |")
    return "\n".join(lines) + "\n"


def _as_expected(result: VariantResult) -> bool:
    return result.verdict.as_expected and not _beside_checks(result)


def append_summary(results: Sequence[VariantResult]) -> None:
    """Append :func:`summary` to the job's, if this runs in a GitHub job.

    Raises:
        OutputError: if the file cannot be written.
    """
    path = os.environ.get(SUMMARY)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(summary(results))
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None


def _cell(text: str) -> str:
    # Whatever a program wrote must neither end the cell nor be markup.
    for char in "\\`*_{}[]<>|":
        text = text.replace(char, f"\\{char}")
    return " ".join(text.split())


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
