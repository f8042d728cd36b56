"""`halfopen check`: judge saved histories again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from halfopen.cli.run import check_outputs, finish
from halfopen.errors import UsageError
from halfopen.model.history import FILE_NAME, History, read_history
from halfopen.model.verdict import VariantResult
from halfopen.runner.captures import with_captures
from halfopen.runner.run import judge_run


def check(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Directory of one run, or of several.")
    ],
    json: Annotated[Path | None, typer.Option(help="Write verdicts as JSON.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write verdicts as JUnit XML.")] = None,
    report: Annotated[bool, typer.Option(help="Write an HTML report to DIR/report.html.")] = True,
) -> None:
    """Judge a saved history again, even that of a killed run."""
    runs = saved_runs(directory)
    check_outputs(directory, json, junit)
    results = [result for result, _ in runs]
    finish(results, out=directory, json=json, junit=junit, report=report)


def saved_runs(directory: Path) -> list[tuple[VariantResult, History]]:
    """The runs that are saved in `directory` or below it, each judged again.

    Raises:
        UsageError: if there is none, or one cannot be read.
    """
    found = sorted(directory.rglob(FILE_NAME))
    if not found:
        raise UsageError(
            f"{directory}: no {FILE_NAME} in this directory or below it; name the --out directory "
            "of a run"
        )
    runs = []
    for path in found:
        try:
            history = read_history(path.parent)
        except ValueError as error:
            raise UsageError(f"{path.parent}: {error}") from error
        runs.append((with_captures(judge_run(history, path.parent), history), history))
    return runs
