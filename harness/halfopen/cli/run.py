"""`halfopen run`: play scenarios, judge them, report."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from halfopen.cli.finish import REPORT, finish
from halfopen.cli.progress import progress_for
from halfopen.errors import InputError, Problem, UnsupportedError, UsageError
from halfopen.labs import lab_named
from halfopen.model.history import History, read_history
from halfopen.model.plan import Plan
from halfopen.model.verdict import VariantResult
from halfopen.ports import LabSpec
from halfopen.report.files import check_writable
from halfopen.report.html import Report, check_report
from halfopen.runner.concurrency import Jobs, auto, fixed
from halfopen.runner.directories import check_own
from halfopen.runner.interruption import Interruption
from halfopen.runner.run import run_plans, run_with_controls
from halfopen.runner.twice import run_twice
from halfopen.scenario import load_scenario, make_plans
from halfopen.sections import suggest
from halfopen.vocabulary import default_vocabulary

SUFFIX = ".scenario.yaml"


def run(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE|DIR ...", help="Scenario files, or directories of *.scenario.yaml."
        ),
    ],
    lab: Annotated[str, typer.Option(help="Where to run it: netns, docker, warp.")] = "netns",
    scale: Annotated[
        float | None,
        typer.Option(help="Simulated seconds per second; default: the file's `scale`."),
    ] = None,
    variant: Annotated[
        list[str] | None, typer.Option(help="Only this variant; can be repeated.")
    ] = None,
    jobs: Annotated[
        str,
        typer.Option(
            metavar="N|auto", help="Concurrent runs; auto: as many as the processors have time for."
        ),
    ] = "auto",
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the random generator; default: a new one.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Directory for histories and the report.")] = Path(
        "out"
    ),
    json: Annotated[
        Path | None, typer.Option(help="Write verdicts as JSON; - for standard output.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="Write verdicts as JUnit XML; - for standard output.")
    ] = None,
    report: Annotated[bool, typer.Option(help="Write an HTML report to OUT/report.html.")] = True,
    pcap: Annotated[
        bool, typer.Option("--pcap", help="Capture each link into a file for Wireshark.")
    ] = False,
    late_retries: Annotated[
        int,
        typer.Option(
            min=0,
            envvar="HALFOPEN_LATE_RETRIES",
            help="Times to repeat a variant that is unknown because the machine was late.",
        ),
    ] = 0,
    control: Annotated[
        bool,
        typer.Option(
            "--control",
            help="Also run each variant without its faults; say which expectations notice them.",
        ),
    ] = False,
    twice: Annotated[
        bool,
        typer.Option(
            "--twice",
            help="In virtual time: run each variant twice, and name the first difference.",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No live progress.")] = False,
) -> None:
    """Run scenarios and give verdicts."""
    spec = lab_named(lab)
    if twice and spec.loop is None:
        raise UsageError(
            f"--twice: two histories of the lab {spec.name} differ, as its time is real; "
            "use --lab warp"
        )
    if twice and control:
        raise UsageError("--twice does not go with --control: use one of them")
    chosen_seed = secrets.randbelow(2**31) if seed is None else seed
    plans = load_plans(paths, lab=spec, scale=scale, seed=chosen_seed, variants=variant)
    if problems := spec.missing():
        raise UnsupportedError(
            "\n".join([f"the lab {spec.name} is not supported on this machine:", *problems])
        )
    bounds, vocabulary = _jobs(jobs, spec), default_vocabulary()
    check_own(out)
    if report:
        check_report(out / REPORT)
    check_writable(out, json, junit)
    console = Console(stderr=True)
    interruption = Interruption(lambda words: console.print(words, highlight=False))

    async def play(chosen: Sequence[Plan], below: str) -> list[VariantResult]:
        with (
            interruption.heeded(),
            progress_for(chosen, console, quiet=quiet) as listener,
        ):
            return await run_plans(
                chosen,
                spec,
                vocabulary,
                out / below,
                jobs=bounds,
                listener=listener,
                pcap=pcap,
                late_retries=late_retries,
                interruption=interruption,
            )

    if twice:
        played = run_twice(plans, play)
    else:
        played = run_with_controls(plans, vocabulary, play) if control else play(plans, "")
    begun = time.monotonic()
    results = asyncio.run(played)
    finish(
        results,
        out=out,
        json=json,
        junit=junit,
        report=(lambda: _report_on(results)) if report else None,
        interruption=interruption,
        took_s=time.monotonic() - begun,
    )


def _report_on(results: Sequence[VariantResult]) -> Report:
    """The report on what was played just now."""
    report = Report()
    for result in results:
        report.add(result, _history(result))
    return report


def _history(result: VariantResult) -> History | None:
    """What was recorded of a run; None for one that could not begin, or cannot be read."""
    if not result.directory:
        return None
    try:
        return read_history(Path(result.directory))
    except (OSError, InputError):
        return None


def scenario_files(paths: Sequence[Path]) -> list[Path]:
    """The scenario files that `paths` name: files as they are, directories with all below them.

    Raises:
        UsageError: if a directory holds none.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            below = sorted(path.rglob(f"*{SUFFIX}"))
            if not below:
                raise UsageError(f"{path}: no *{SUFFIX} in this directory or below it")
            found += below
        else:
            found.append(path)  # the loader says what is wrong with a file that is not there
    return list(dict.fromkeys(found))


def load_plans(
    paths: Sequence[Path],
    *,
    lab: LabSpec,
    scale: float | None = None,
    seed: int = 0,
    variants: Sequence[str] | None = None,
) -> list[Plan]:
    """The plans of all scenarios below `paths`; nothing is started.

    Raises:
        InputError: with everything that is wrong with any of the files.
        UsageError: if a variant is asked for that no file has.
    """
    vocabulary = default_vocabulary()
    problems: list[Problem] = []
    plans: list[Plan] = []
    known: set[str] = set()
    for path in scenario_files(paths):
        try:
            scenario = load_scenario(path, vocabulary)
            known.update(each.name for each in scenario.variants)
            plans += make_plans(
                scenario,
                lab=lab,
                scale=scale,
                seed=seed,
                variants=None if variants is None else set(variants),
            )
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    if unknown := set(variants or ()) - known:
        raise UsageError(
            f"--variant: unknown variant {', '.join(map(repr, sorted(unknown)))}; "
            + suggest(sorted(unknown)[0], known, "available variants")
        )
    return plans


def _jobs(text: str, lab: LabSpec) -> Jobs:
    if text == "auto":
        # A run that computes takes a whole processor.
        return auto() if lab.loop is None else fixed(os.cpu_count() or 1)
    if text.isdigit() and int(text) > 0:
        return fixed(int(text))
    raise UsageError(f"--jobs: {text!r} is not accepted here; use auto, or a number of 1 or more")
