"""`halfopen compare`: two runs of the same scenarios, before and after a change."""

from __future__ import annotations

import json as json_module
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from halfopen.cli.check import saved_runs
from halfopen.errors import InputError, Problem, UsageError
from halfopen.model.verdict import VariantResult
from halfopen.report._text import printable
from halfopen.report.comparison import (
    VariantChange,
    VariantDifference,
    comparison_json,
    read_results,
)
from halfopen.report.comparison import (
    compare as differences_between,
)

_WORSE = 1
_QUIET = (VariantChange.SAME,)


def compare(
    before: Annotated[
        Path, typer.Argument(metavar="BEFORE", help="The --out directory of a run, or its --json.")
    ],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="The same of a later run.")],
    json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Say what became of each variant from one run to another.

    Exit status: 0 no variant is worse, and none is gone; 1 one is; 2 invalid input.
    """
    found = differences_between(_results(before), _results(after))
    if not found:
        raise UsageError(f"{before} and {after} hold no results: there is nothing to compare")
    if json:
        typer.echo(json_module.dumps(comparison_json(found), indent=2, ensure_ascii=False))
    else:
        for each in found:
            if each.change not in _QUIET:
                _print(each)
        typer.echo(_summary(found))
    if any(each.change in (VariantChange.WORSE, VariantChange.GONE) for each in found):
        raise typer.Exit(_WORSE)


def _results(path: Path) -> list[VariantResult]:
    if path.is_file():
        return read_results(path)
    unread: list[Problem] = []
    found = [result for result, _ in saved_runs(path, unread)]
    if unread:
        raise InputError(unread)
    return found


def _print(each: VariantDifference) -> None:
    verdicts = " → ".join(filter(None, (each.before, each.after)))
    typer.echo(printable(f"{each.change:<8} {each.scenario} / {each.variant}: {verdicts}"))
    for check in each.checks:
        said = f"{check.before or 'not checked'} → {check.after or 'not checked'}"
        typer.echo(printable(f"         {check.label}: {said}: {check.why}"))


def _summary(found: Sequence[VariantDifference]) -> str:
    counts = Counter(each.change for each in found)
    parts = [f"{counts[each]} {each}" for each in VariantChange if counts[each]]
    number = f"{len(found)} variant{'' if len(found) == 1 else 's'}"
    return f"{number}: {', '.join(parts)}"
