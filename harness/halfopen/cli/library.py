"""`halfopen library`: the scenarios that halfopen comes with."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

from halfopen.cli.completion import library_names
from halfopen.scenario import library as scenarios
from halfopen.scenario.library import MARK

_EDITOR = "# yaml-language-server:"


def library(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Print the text of this one.", show_default=False, autocompletion=library_names
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As a JSON list, for scripts.")] = False,
) -> None:
    """List the scenarios that halfopen comes with, or print one.

    `halfopen run @NAME` plays one; `halfopen library NAME > my.scenario.yaml` is a start for one of
    your own.
    """
    if name is not None:
        text = scenarios.file_of(name.removeprefix(MARK)).read_text(encoding="utf-8")
        if text.startswith(_EDITOR):  # the path in it is right only where the library lies
            text = text.partition("\n")[2]
        typer.echo(text, nl=False)
        return
    known = {each: scenarios.title(each) for each in scenarios.names()}
    if json:
        listed = [{"name": each, "title": title} for each, title in known.items()]
        typer.echo(json_module.dumps(listed, indent=2))
        return
    width = max(map(len, known))
    for each, title in known.items():
        typer.echo(f"{each:{width}}  {title}")
