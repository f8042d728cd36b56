"""A table of many scenarios in Markdown: their variants down, the scenarios across.

Made for scenarios whose variants have the same names: who keeps which promise under which
circumstance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from halfopen.errors import UsageError
from halfopen.model.history import History
from halfopen.model.verdict import VariantResult
from halfopen.report._text import MARKS, seen
from halfopen.report.files import write_file

BEGIN = "<!-- table written by `halfopen page --table` -->"
END = "<!-- end of table -->"
_HOLDS = "holds"


def write_table(runs: Sequence[tuple[VariantResult, History]], file: Path) -> None:
    """Write the table of a run into a Markdown file, in the place of the one that is there.

    Args:
        runs: the variants, each with the history that its verdict rests on.
        file: what stands outside the lines :data:`BEGIN` and :data:`END` is left as it is; a file
            that is not there is made.

    Raises:
        UsageError: if the file has no such lines, or is no text.
    """
    table = f"{BEGIN}\n\n{render_table(runs)}\n{END}\n"
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
    except ValueError as error:
        raise UsageError(f"{file} is not a text file: {error}") from error
    if text.strip():
        before, begin, rest = text.partition(BEGIN + "\n")
        _, end, after = rest.partition(END + "\n")
        if not begin or not end:
            raise UsageError(
                f"{file}: the lines '{BEGIN}' and '{END}' are missing; add them where the table "
                "belongs"
            )
        table = before + table + after
    write_file(file, table)


def render_table(runs: Sequence[tuple[VariantResult, History]]) -> str:
    """The table, and below it what each scenario is about.

    A cell says that everything holds, or which checks fail, each with the figure that was seen; it
    is empty where a scenario has no such variant.
    """
    plans = sorted(runs, key=lambda run: (run[0].file, _line(run)))
    columns = {_name(result): str(history.plan.get("about", "")) for result, history in plans}
    rows: dict[str, dict[str, str]] = {}
    for result, _ in plans:
        rows.setdefault(result.variant, {})[_name(result)] = _cell(result)
    lines = [_row("", columns), "|---" * (len(columns) + 1) + "|"]
    lines += [
        _row(variant, [cells.get(name, "") for name in columns]) for variant, cells in rows.items()
    ]
    abouts = [f"- **{name}**: {' '.join(about.split())}" for name, about in columns.items()]
    return "\n".join([*lines, "", *abouts, ""])


def _name(result: VariantResult) -> str:
    return Path(result.file).name.removesuffix(".yaml").removesuffix(".scenario")


def _line(run: tuple[VariantResult, History]) -> int:
    """Where the first host of the variant stands in the file: the order in which one wrote them."""
    hosts: Sequence[Mapping[str, object]] = run[1].plan.get("hosts", ())
    return max((int(str(host.get("line", 0))) for host in hosts), default=0)


def _cell(result: VariantResult) -> str:
    if not result.verdict.as_expected:
        return MARKS[result.verdict]
    failed = [f"{check.check} {seen(check)}" for check in result.checks if check.expected != "pass"]
    return ", ".join(failed) or _HOLDS


def _row(first: str, cells: Sequence[str] | Mapping[str, str]) -> str:
    return "| " + " | ".join([first, *(cell.replace("|", "\\|") for cell in cells)]) + " |"
