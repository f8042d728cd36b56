"""The end of `halfopen run` and `halfopen check`: files of results, terminal, exit status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import typer
from rich.console import Console

from halfopen.cli.annotations import annotations_of, append_summary
from halfopen.errors import InputError, OutputError, Problem
from halfopen.model.verdict import VariantResult, Verdict
from halfopen.optional import PLOTLY
from halfopen.report.files import STDOUT
from halfopen.report.html import Report, check_report
from halfopen.report.results import write_json
from halfopen.report.terminal import print_results
from halfopen.runner.interruption import Interruption
from halfopen.runner.twice import differs

REPORT = "report.html"


def report_to_write(path: Path, wanted: bool) -> bool:
    """Whether a report can be written there; where its library is missing, that is said.

    Raises:
        UsageError: if `path` is something that it would have to replace, see `check_report`.
    """
    if not wanted:
        return False
    if lacking := PLOTLY.missing():
        typer.echo(f"no report: {lacking[0]}", err=True)
        return False
    check_report(path)
    return True


def finish(
    results: Sequence[VariantResult],
    *,
    out: Path,
    json: Path | None,
    junit: Path | None,
    report: Callable[[], Report] | None,
    unread: Sequence[Problem] = (),
    interruption: Interruption | None = None,
    took_s: float | None = None,
    github: bool = False,
) -> None:
    """Write and print what was found, and leave with the exit status that follows from it.

    What is for a person goes to standard error if the results go to standard output.  One file that
    cannot be written does not keep the others from being written.

    Raises:
        OutputError: with everything that could not be written.
        InputError: with `unread`, if there is any, after all else is done.
    """
    aside = STDOUT in (json, junit)
    problems: list[str] = []

    def attempt(work: Callable[[], None]) -> bool:
        try:
            work()
        except OutputError as error:
            problems.append(str(error))
            return False
        return True

    if json is not None:
        attempt(lambda: write_json(results, json))
    if junit is not None:
        from halfopen.report.junit import write_junit  # XML is slow to load

        attempt(lambda: write_junit(results, junit))
    print_results(results, Console(stderr=aside), took_s)
    if github:
        for each in annotations_of(results):
            typer.echo(each, err=aside)
        attempt(lambda: append_summary(results))
    if report is not None:
        page = report()
        if attempt(lambda: page.write(out / REPORT)):
            typer.echo(f"report: {out / REPORT}", err=aside)
    if problems:
        raise OutputError("\n".join(problems))
    if unread:
        raise InputError(unread)
    if interruption is not None and interruption.signal is not None:
        raise typer.Exit(interruption.exit_status)
    raise typer.Exit(exit_status(results))


def exit_status(results: Sequence[VariantResult]) -> int:
    """0 if every variant is as expected, 3 if none could run, else 1.

    If there were controls, a variant of which no expectation notices the faults is not, either; nor
    is one that was played twice with different histories.

    What this machine or lab does not support, beside others that ran, is a warning.
    """
    verdicts = {result.verdict for result in results}
    if verdicts == {Verdict.UNSUPPORTED}:
        return 3
    ran = verdicts - {Verdict.UNSUPPORTED}
    clean = all(each.control is None or each.control.clean for each in results)
    clean = clean and not any(differs(each) for each in results)
    return 0 if ran and clean and all(verdict.as_expected for verdict in ran) else 1
