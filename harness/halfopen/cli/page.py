"""`halfopen page`: a page in Markdown about each scenario of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from halfopen.cli.check import saved_runs
from halfopen.cli.run import check_outputs
from halfopen.report.page import write_pages


def page(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A run's directory, or one that holds several.")
    ],
    to: Annotated[Path, typer.Option(help="Directory for NAME.md and NAME.svg.")] = Path("pages"),
) -> None:
    """Write a page about each scenario of a saved run: what happened, the picture, the cure."""
    runs = saved_runs(directory)
    check_outputs(to)
    for written in write_pages(runs, to):
        typer.echo(str(written))
