"""`halfopen check`: judge saved histories again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from halfopen.cli.finish import REPORT, finish, report_to_write
from halfopen.errors import InputError, Problem, UsageError
from halfopen.model.history import FILE_NAME, History, read_history
from halfopen.model.verdict import VariantResult
from halfopen.report.files import check_writable
from halfopen.report.html import Report
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
    github: Annotated[
        bool,
        typer.Option(
            "--github", help="Also annotate lines and write the summary of a GitHub Actions job."
        ),
    ] = False,
) -> None:
    """Judge a saved history again, even that of a killed run."""
    report = report_to_write(directory / REPORT, report)
    check_writable(directory, json, junit)
    unread: list[Problem] = []
    results: list[VariantResult] = []
    made = Report()
    for result, history in saved_runs(directory, unread):
        results.append(result)
        if report:
            made.add(result, history)
    page = (lambda: made) if report else None
    finish(
        results,
        out=directory,
        json=json,
        junit=junit,
        report=page,
        unread=unread,
        github=github,
    )


def saved_runs(directory: Path, unread: list[Problem]) -> Iterator[tuple[VariantResult, History]]:
    """The runs that are saved in `directory` or below it, each judged again when it is its turn.

    Args:
        directory: of one run, or of several.
        unread: gets what is wrong with each history that cannot be read.

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
    read = 0
    for path in found:
        try:
            history = read_history(path.parent)
        except InputError as error:
            unread += error.problems
        except OSError as error:
            unread.append(Problem(str(path), 1, f"cannot be read: {error.strerror}"))
        else:
            read += 1
            yield with_captures(judge_run(history, path.parent), history), history
    if not read:
        raise InputError(unread)
