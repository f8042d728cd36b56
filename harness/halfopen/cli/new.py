"""`halfopen new`: a commented scenario to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from halfopen.errors import UsageError
from halfopen.scenario import new_scenario
from halfopen.scenario.library import SUFFIX


def new(
    name: Annotated[
        str, typer.Argument(help="Name of the scenario; the file is NAME.scenario.yaml.")
    ],
) -> None:
    """Write a commented scenario to start from."""
    path = Path(name if name.endswith(SUFFIX) else name + SUFFIX)
    text = new_scenario(path.name.removesuffix(SUFFIX))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} exists already; choose another name") from None
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    typer.echo(f"wrote {path}; edit it, then run it with `halfopen run {path}`")
