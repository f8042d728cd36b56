"""`halfopen run`: play scenarios, judge them, report."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from halfopen.cli.completion import labs, scenarios
from halfopen.cli.dry_run import dry_run_lines
from halfopen.cli.finish import REPORT, finish, report_to_write
from halfopen.cli.loading import load_auto, load_plans
from halfopen.cli.progress import progress_for
from halfopen.cli.remaining import Remaining
from halfopen.errors import InputError, UnsupportedError, UsageError
from halfopen.labs import lab_named
from halfopen.model.history import History, read_history
from halfopen.model.plan import Plan
from halfopen.model.verdict import VariantResult
from halfopen.ports import LabSpec
from halfopen.report._text import printable
from halfopen.report.files import check_writable
from halfopen.report.html import Report
from halfopen.runner.auto import AUTO
from halfopen.runner.choice import play_by_lab
from halfopen.runner.concurrency import Jobs, fixed, jobs_for
from halfopen.runner.control import control_plan
from halfopen.runner.directories import check_own
from halfopen.runner.estimate import announcement, long_warning
from halfopen.runner.interruption import Interruption
from halfopen.runner.run import run_plans, run_with_controls
from halfopen.runner.twice import run_twice
from halfopen.vocabulary import default_vocabulary


def run(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE|DIR ...",
            help="Scenario files, or directories of *.scenario.yaml.",
            autocompletion=scenarios,
        ),
    ],
    lab: Annotated[
        str,
        typer.Option(
            help="netns, docker or warp; auto: warp where it can, else netns.",
            autocompletion=labs,
        ),
    ] = "netns",
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
    github: Annotated[
        bool,
        typer.Option(
            "--github", help="Also annotate lines and write the summary of a GitHub Actions job."
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Say what would be played, where and for how long; start nothing."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No live progress.")] = False,
) -> None:
    """Run scenarios and give verdicts."""
    chosen_seed = secrets.randbelow(2**31) if seed is None else seed
    vocabulary = default_vocabulary()
    console = Console(stderr=True)

    def tell(words: str) -> None:
        console.print(words, highlight=False, markup=False, soft_wrap=True)

    if lab == AUTO:
        plans = load_auto(
            paths,
            vocabulary,
            scale=scale,
            seed=chosen_seed,
            variants=variant,
            pcap=pcap,
            say=tell,
        )
    else:
        spec = lab_named(lab)
        plans = load_plans(paths, lab=spec, scale=scale, seed=chosen_seed, variants=variant)
    labs = [lab_named(name) for name in dict.fromkeys(plan.lab for plan in plans)]
    _check_labs(labs, twice=twice, control=control)
    bounds = {each.name: _jobs(jobs, each) for each in labs}
    virtual = [each.name for each in labs if each.loop is not None]
    slots = {name: each.least for name, each in bounds.items() if name not in virtual}
    later = (
        [control_plan(plan, vocabulary) for plan in plans] if control else plans if twice else []
    )
    together_s = Remaining(plans, slots).seconds + Remaining(later, slots).seconds
    if dry_run:
        for line in dry_run_lines(
            plans,
            vocabulary,
            virtual=virtual,
            slots={name: each.least for name, each in bounds.items()},
            times=2 if later else 1,
            together_s=together_s,
        ):
            typer.echo(printable(line))
        return
    if words := long_warning([plan for plan in plans if plan.lab in virtual], vocabulary):
        tell(words)
    if words := announcement(len(plans) + len(later), together_s, max(slots.values(), default=1)):
        tell(words)
    check_own(out)
    report = report_to_write(out / REPORT, report)
    check_writable(out, json, junit)
    interruption = Interruption(lambda words: console.print(words, highlight=False))

    async def play(chosen: Sequence[Plan], below: str) -> list[VariantResult]:
        # What is played below a directory of its own comes after the others.
        rest_s = 0.0 if below else together_s - Remaining(plans, slots).seconds
        remaining = Remaining(chosen, slots, rest_s)

        async def play_in(
            spec: LabSpec, part: Sequence[Plan], directories: Sequence[Path]
        ) -> list[VariantResult]:
            return await run_plans(
                part,
                spec,
                vocabulary,
                out / below,
                jobs=bounds[spec.name],
                listener=listener,
                pcap=pcap,
                late_retries=late_retries,
                interruption=interruption,
                directories=directories,
            )

        with (
            interruption.heeded(),
            progress_for(
                chosen, console, quiet=quiet, virtual=virtual, remaining=remaining
            ) as listener,
        ):
            return await play_by_lab(chosen, labs, out / below, play_in)

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
        github=github,
    )


def _check_labs(labs: Sequence[LabSpec], *, twice: bool, control: bool) -> None:
    """See that labs work here, and can do what is asked.

    Raises:
        UsageError: if options do not go together.
        UnsupportedError: if a lab does not work on this machine; with the remedies.
    """
    for spec in labs:
        if twice and spec.loop is None:
            raise UsageError(
                f"--twice: two histories of the lab {spec.name} differ, as its time is real; "
                "use --lab warp"
            )
    if twice and control:
        raise UsageError("--twice does not go with --control: use one of them")
    for spec in labs:
        if problems := spec.missing():
            raise UnsupportedError(
                "\n".join([f"the lab {spec.name} is not supported on this machine:", *problems])
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


def _jobs(text: str, lab: LabSpec) -> Jobs:
    if text == "auto":
        return jobs_for(lab)
    if text.isdigit() and int(text) > 0:
        return fixed(int(text))
    raise UsageError(f"--jobs: {text!r} is not accepted here; use auto, or a number of 1 or more")
