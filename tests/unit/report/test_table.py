"""The table of variants and scenarios, and that the tables under docs/ name what there is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from halfopen.errors import UsageError
from halfopen.model.verdict import Verdict
from halfopen.report.table import BEGIN, END, render_table, write_table
from halfopen.scenario import load_scenario
from halfopen.vocabulary import default_vocabulary

from .incident import all_variants

ROOT = Path(__file__).parents[3]


def cells(table: str) -> dict[str, list[str]]:
    """The rows of a table, by the name at their beginning; `` for the head."""
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    found = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {row[0]: row[1:] for row in found}


def test_a_cell_says_what_holds_and_what_fails_with_its_figure() -> None:
    rows = cells(render_table(all_variants()))
    assert rows[""] == ["fortigate-idle-relp"]
    assert rows["keepalive-1800"] == ["holds"]
    assert re.fullmatch(r"half-open 3, fds 4", rows["keepalive-off"][0])


def test_a_run_that_is_not_as_expected_is_no_cell_that_holds() -> None:
    runs = [(replace(result, verdict=Verdict.UNKNOWN), h) for result, h in all_variants()]
    assert {cell for name, row in cells(render_table(runs)).items() if name for cell in row} == {
        "? unknown"
    }


def test_scenarios_stand_side_by_side_and_a_variant_may_be_missing() -> None:
    (first, history), *rest = all_variants()
    other = replace(first, file="scenarios/incidents/other.scenario.yaml")
    rows = cells(render_table([(first, history), *rest, (other, history)]))
    assert rows[""] == ["fortigate-idle-relp", "other"]
    assert rows[first.variant][0] == rows[first.variant][1]
    assert all(rows[result.variant][1] == "" for result, _ in rest)


def test_the_text_around_the_table_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# before\n{BEGIN}\nstale\n{END}\nafter\n")
    write_table(all_variants(), page)
    text = page.read_text()
    assert text.startswith(f"# before\n{BEGIN}\n\n|") and text.endswith(f"{END}\nafter\n")
    assert "stale" not in text
    write_table(all_variants(), page)
    assert page.read_text() == text


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    write_table(all_variants(), tmp_path / "new.md")
    assert (tmp_path / "new.md").read_text().startswith(BEGIN)


@pytest.mark.parametrize("text", ["# a page of yours\n", f"{BEGIN}\nno end\n"])
def test_a_file_without_a_place_for_it_is_left_alone(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(UsageError, match="are missing; add them"):
        write_table(all_variants(), page)
    assert page.read_text() == text


@pytest.mark.parametrize(
    ("page", "library"),
    [("docs/queues-compared.md", "queues"), ("docs/settings.md", "settings")],
)
def test_the_shipped_table_names_every_scenario_and_its_variants(page: str, library: str) -> None:
    text = (ROOT / page).read_text().partition(BEGIN)[2]
    rows = cells(text)
    vocabulary = default_vocabulary()
    wanted: dict[str, set[str]] = {}
    for path in (ROOT / "scenarios" / library).glob("**/*.scenario.yaml"):
        scenario = load_scenario(path, vocabulary)
        wanted[path.name.removesuffix(".scenario.yaml")] = {v.name for v in scenario.variants}
    shown = {
        column: {name for name, row in rows.items() if name and row[at]}
        for at, column in enumerate(rows.get("", []))
    }
    assert shown == wanted, f"make it again, as {page} says"
    words = {cell for name, row in rows.items() if name for cell in row}
    assert not [word for word in words if word.startswith(("✗", "?", "-"))]


def test_there_is_something_to_compare() -> None:
    assert list((ROOT / "scenarios" / "queues").glob("*.scenario.yaml"))
