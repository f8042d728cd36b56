"""`halfopen page`: a page in Markdown about each scenario of a run, or a table of all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from halfopen.cli.check import saved_runs
from halfopen.errors import InputError, Problem
from halfopen.report.files import check_writable
from halfopen.report.page import Run, write_index, write_pages
from halfopen.report.table import write_table


def page(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Directory of one run, or of several.")
    ],
    to: Annotated[Path, typer.Option(help="Directory for NAME.md and NAME.svg.")] = Path("pages"),
    table: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a table of all variants and scenarios into this Markdown file instead.",
        ),
    ] = None,
    index: Annotated[
        bool, typer.Option("--index", help="Also write README.md, an index of all pages there.")
    ] = False,
) -> None:
    """Write a page about each scenario of a saved run: what happened, a picture, the fix."""
    unread: list[Problem] = []
    runs = list(saved_runs(directory, unread))
    if table is not None:
        check_writable(table.parent, table)
        write_table(runs, table)
        typer.echo(str(table))
    else:
        _write(runs, to, index)
    if unread:
        raise InputError(unread)


def _write(runs: Sequence[Run], to: Path, index: bool) -> None:
    check_writable(to)
    for written in write_pages(runs, to):
        typer.echo(str(written))
    if index:
        typer.echo(str(write_index(to)))
