"""`halfopen check`: judge saved histories again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from halfopen.cli.run import finish
from halfopen.errors import InputError, Problem, UsageError
from halfopen.model.history import FILE_NAME, History, read_history
from halfopen.model.verdict import VariantResult
from halfopen.report.files import check_writable
from halfopen.runner.captures import with_captures
from halfopen.runner.run import judge_run


def check(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Directory of one run, or of several.")
    ],
    json: Annotated[
        Path | None, typer.Option(help="Write verdicts as JSON; - for standard output.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="Write verdicts as JUnit XML; - for standard output.")
    ] = None,
    report: Annotated[bool, typer.Option(help="Write an HTML report to DIR/report.html.")] = True,
) -> None:
    """Judge a saved history again, even that of a killed run."""
    runs, unread = saved_runs(directory)
    check_writable(directory, json, junit)
    results = [result for result, _ in runs]
    finish(results, out=directory, json=json, junit=junit, report=report, unread=unread)


def saved_runs(directory: Path) -> tuple[list[tuple[VariantResult, History]], list[Problem]]:
    """The runs that are saved in `directory` or below it, each judged again.

    Returns:
        the runs, and what is wrong with each history that cannot be read.

    Raises:
        UsageError: if there is none.
        InputError: if none of them can be read.
    """
    found = sorted(directory.rglob(FILE_NAME))
    if not found:
        raise UsageError(
            f"{directory}: no {FILE_NAME} in this directory or below it; name the --out directory "
            "of a run"
        )
    runs: list[tuple[VariantResult, History]] = []
    unread: list[Problem] = []
    for path in found:
        try:
            history = read_history(path.parent)
        except InputError as error:
            unread += error.problems
        except OSError as error:
            unread.append(Problem(str(path), 1, f"cannot be read: {error.strerror}"))
        else:
            runs.append((with_captures(judge_run(history, path.parent), history), history))
    if not runs:
        raise InputError(unread)
    return runs, unread
