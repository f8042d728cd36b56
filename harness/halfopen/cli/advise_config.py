"""`halfopen advise --config`: do these configuration files fit these firewalls?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum

import typer

from halfopen.advice.config_files import read_configuration
from halfopen.advice.config_judge import JudgedConnection, Survival, judge_configuration
from halfopen.advice.config_record import config_record, sarif_record
from halfopen.advice.config_text import annotation_of, config_lines
from halfopen.advice.middleboxes import Hop
from halfopen.advice.process_sockets import with_processes
from halfopen.cli.annotations import annotation
from halfopen.kernel import Stack
from halfopen.report._text import printable


class AdviceFormat(StrEnum):
    """How `halfopen advise` says what it found."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


def advise_configuration(
    hops: Sequence[Hop],
    files: Sequence[str],
    processes: Sequence[int],
    stack: Stack,
    form: AdviceFormat,
) -> int:
    """Judge the connections that files describe and processes have, and print it.

    Returns:
        The exit status: 1 if one of them does not survive, or none of them can be judged; else 0.

    Raises:
        InputError: a file cannot be read.
        UsageError: a process cannot be looked at.
    """
    configuration = with_processes(read_configuration(files), processes)
    judged = judge_configuration(configuration, hops, stack)
    if form is AdviceFormat.JSON:
        typer.echo(json.dumps(config_record(judged, configuration.silent), indent=2))
    elif form is AdviceFormat.SARIF:
        typer.echo(json.dumps(sarif_record(judged), indent=2))
    elif form is AdviceFormat.GITHUB:
        _annotate(judged)
    else:
        for text in config_lines(judged, configuration.silent):
            for line in text.split("\n"):
                typer.echo(printable(line))
    unknown = sum(each.survival is Survival.NOT_JUDGED for each in judged)
    if unknown:
        connections = "1 connection was" if unknown == 1 else f"{unknown} connections were"
        typer.echo(f"warning: {connections} not judged", err=True)
    found = {each.survival for each in judged}
    return int(Survival.UNSAFE in found or found == {Survival.NOT_JUDGED})


def _annotate(judged: Sequence[JudgedConnection]) -> None:
    for each in judged:
        found = annotation_of(each)
        if found is not None:
            level, text = found
            source, line = each.connection.source, each.connection.line
            typer.echo(annotation(level, printable(source.path), line, text))
