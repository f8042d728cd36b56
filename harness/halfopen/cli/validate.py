"""`halfopen validate`: whether scenario files are right, for editors, pre-commit and CI."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from halfopen.cli.annotations import annotation
from halfopen.cli.completion import labs, scenarios
from halfopen.cli.loading import load_plans, scenario_files
from halfopen.errors import InputError, Problem
from halfopen.labs import lab_named
from halfopen.model.plan import Plan
from halfopen.model.units import format_duration
from halfopen.report._text import printable
from halfopen.runner.estimate import expected_seconds, simulated_s

_WRONG = 2


class Format(StrEnum):
    """How `halfopen validate` says what it found."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


@dataclass(frozen=True)
class Validated:
    """A scenario file that is right.

    Attributes:
        file: its path.
        plans: of its variants.
    """

    file: str
    plans: Sequence[Plan]

    @property
    def summary(self) -> str:
        """In one line; runs of several variants overlap, so that nobody adds up their times."""
        number = len(self.plans)
        longest = max(map(expected_seconds, self.plans))
        simulated = sum(map(simulated_s, self.plans))
        variants = "1 variant takes" if number == 1 else f"{number} variants; the longest takes"
        return f"{self.file}: {variants} {_about(longest)} (simulates {_about(simulated)})"


def validate(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Scenario files, or directories of *.scenario.yaml.",
            autocompletion=scenarios,
            metavar="FILE|DIR ...",
            show_default=False,
        ),
    ],
    lab: Annotated[
        str, typer.Option(help="The lab to plan for: netns, docker or warp.", autocompletion=labs)
    ] = "netns",
    scale: Annotated[
        float | None,
        typer.Option(help="Simulated seconds per second; default: the file's `scale`."),
    ] = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="text; json; github: annotations of a workflow's job.",
        ),
    ] = Format.TEXT,
) -> None:
    """Say what is wrong with scenario files, and how long they take; run nothing."""
    spec = lab_named(lab)
    right: list[Validated] = []
    problems: list[Problem] = []
    for path in scenario_files(paths):
        try:
            right.append(Validated(str(path), load_plans([path], lab=spec, scale=scale)))
        except InputError as error:
            problems += error.problems
    if form is Format.JSON:
        typer.echo(_as_json(right, problems))
    else:
        for each in right:
            typer.echo(printable(each.summary))
        for problem in problems:
            typer.echo(printable(_line(problem, form)), err=form is Format.TEXT)
    if problems:
        raise typer.Exit(_WRONG)


def _line(problem: Problem, form: Format) -> str:
    if form is Format.TEXT:
        return str(problem)
    said = f"{problem.what}; {problem.remedy}" if problem.remedy else problem.what
    return annotation("error", problem.file, problem.line, said)


def _as_json(right: Sequence[Validated], problems: Sequence[Problem]) -> str:
    files = [
        {
            "file": each.file,
            "scenario": each.plans[0].scenario,
            "variants": [
                {
                    "variant": plan.variant,
                    "seconds": round(expected_seconds(plan), 3),
                    "simulated_s": round(simulated_s(plan), 3),
                }
                for plan in each.plans
            ],
        }
        for each in right
    ]
    found = {"files": files, "problems": [asdict(problem) for problem in problems]}
    return json.dumps(found, indent=2)


def _about(seconds: float) -> str:
    if seconds < 1:
        return "less than a second"
    return f"about {format_duration(round(seconds, 1) if seconds < 10 else round(seconds))}"
