"""The results in a terminal: a table of verdicts, then the reasons of what is not as expected."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from halfopen.model.units import format_duration
from halfopen.model.verdict import CheckResult, VariantResult, Verdict
from halfopen.report._text import (
    MARKS,
    capture_words,
    in_words,
    off_target,
    place,
    printable,
    retried_words,
    seen,
    wanted,
)

_STYLES = {
    Verdict.PASS: "bold green",
    Verdict.REPRODUCED: "bold green",
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "bold yellow",
    Verdict.ERROR: "bold red",
    Verdict.UNSUPPORTED: "bold blue",
}
_EVIDENCE = 6


def print_results(
    results: Sequence[VariantResult],
    console: Console | None = None,
    took_s: float | None = None,
) -> None:
    """Print the verdicts; as plain lines where the output is no terminal.

    Args:
        results: of one run.
        console: default standard output.
        took_s: seconds that the user waited for them; default the sum of all runs, which several
            at once do not take.
    """
    console = console or Console()
    if not console.is_terminal:
        for line in plain_lines(results, took_s):
            console.out(line, highlight=False)
        return
    console.print(_table(results))
    for result in results:
        if not result.verdict.as_expected:
            console.print(_reasons(result))
    for line in _asides(results):
        console.print(Text(printable(line), style="dim"))
    console.print(Text(summary(results, took_s), style="bold"))


def plain_lines(results: Sequence[VariantResult], took_s: float | None = None) -> list[str]:
    """One line a variant, its reasons indented below it, and a summary."""
    lines = []
    for result in results:
        lines.append(
            f"{result.verdict.value:<11} {result.scenario} / {result.variant} [{result.lab}]"
        )
        if not result.verdict.as_expected:
            lines += ["    " + line if line else "" for line in in_words(result).split("\n")]
    lines += _asides(results)
    lines.append(summary(results, took_s))
    return [printable(line.rstrip()) for line in lines]


def summary(results: Sequence[VariantResult], took_s: float | None = None) -> str:
    """How many variants have which verdict, and how long all took; see :func:`print_results`."""
    verdicts = [result.verdict for result in results]
    counts = [f"{verdicts.count(v)} {v}" for v in Verdict if v in verdicts]
    wall = format_duration(took_s or sum(result.wall_s for result in results))
    virtual = format_duration(sum(result.virtual_s for result in results))
    controls = [result.control for result in results if result.control is not None]
    unclean = sum(not control.clean for control in controls)
    told = f"; {unclean} of {len(controls)} not clean under --control" if controls else ""
    return f"{', '.join(counts) or 'nothing run'} in {wall} (simulated {virtual}){told}"


def _asides(results: Sequence[VariantResult]) -> list[str]:
    """What was captured, what controls show, which verdicts are of a run again; kernels."""
    found = []
    for result in results:
        if late := result.extra.get("late"):
            found.append(f"{result.scenario} / {result.variant}: {retried_words(late)}")
        if twice := result.extra.get("twice"):
            found.append(f"twice: {result.scenario} / {result.variant}: {twice}")
        if control := result.control:
            mark = "control" if control.clean else "NOT CLEAN"
            found.append(f"{mark}: {result.scenario} / {result.variant}: {control.in_words}")
        if captures := result.extra.get("captures"):
            found.append(f"captures: {capture_words(captures)}")
    kernels = {(each.lab, each.kernel, each.hz, each.seed) for each in results if each.kernel}
    for lab, kernel, hz, seed in sorted(kernels):
        found.append(f"lab {lab}: Linux {kernel}, HZ={hz}, seed {seed}")
    return found


def _table(results: Sequence[VariantResult]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    table.add_column("verdict", no_wrap=True)
    table.add_column("variant", overflow="fold")
    table.add_column("lab", style="dim")
    table.add_column("why", overflow="fold", ratio=1)
    table.add_column("simulated", justify="right", no_wrap=True)
    table.add_column("run time", justify="right", no_wrap=True)
    scenario = None
    for result in results:
        if result.scenario != scenario:
            scenario = result.scenario
            table.add_row("", Text(printable(scenario), style="bold"), "", "", "", "")
        table.add_row(
            Text(MARKS[result.verdict], style=_STYLES[result.verdict]),
            Text(printable("  " + result.variant)),
            Text(result.lab),
            Text(printable(result.why)),
            Text(format_duration(result.virtual_s)),
            Text(format_duration(result.wall_s)),
        )
    return table


def _reasons(result: VariantResult) -> Group:
    head = Text.assemble(
        (MARKS[result.verdict], _STYLES[result.verdict]), " ", (printable(result.variant), "bold")
    )
    parts: list[Text | Padding] = [head]
    if not off_target(result):
        parts.append(Padding(Text(printable(result.why)), (0, 0, 0, 2)))
    parts += [Padding(_reason(result, check), (0, 0, 1, 2)) for check in off_target(result)]
    if result.directory:
        parts.append(
            Padding(Text(printable(f"history: {result.directory}"), style="dim"), (0, 0, 1, 2))
        )
    return Group(*parts)


def _reason(result: VariantResult, check: CheckResult) -> Text:
    text = Text()
    text.append(MARKS[check.verdict], _STYLES[check.verdict])
    text.append(printable(f" {check.label or check.check}"), "bold")
    text.append(printable(f"  {place(result, check.line)}\n"), "dim")
    text.append(printable(f"expected {wanted(check)}; observed {seen(check)}\n"))
    text.append(printable(f"{check.why}\n"))
    for each in check.evidence[:_EVIDENCE]:
        text.append(f"  {each.t:8.3f} s  ", "dim")
        text.append(printable(f"{each.text}\n"))
    if len(check.evidence) > _EVIDENCE:
        text.append(f"  {len(check.evidence) - _EVIDENCE} more in the report\n", "dim")
    text.rstrip()
    return text
