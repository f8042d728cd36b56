"""The pages of the incident library: one for each scenario file, and none older than its file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from halfopen.checkers import judge_history
from halfopen.labs import all_labs
from halfopen.model.history import History
from halfopen.ports import Vocabulary
from halfopen.report._pieces import cut
from halfopen.report._text import wanted
from halfopen.runner.play import header_record
from halfopen.scenario import load_scenario, make_plans
from halfopen.vocabulary import default_vocabulary

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "incidents"
SUFFIX = ".scenario.yaml"
FILES = sorted((ROOT / "scenarios" / "incidents").glob(f"*{SUFFIX}"))
STALE = "`make pages` plays the incidents and writes their pages anew"


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return default_vocabulary()


def page_of(file: Path) -> str:
    page = PAGES / f"{file.name.removesuffix(SUFFIX)}.md"
    assert page.exists(), f"{file.name} has no page; {STALE}"
    return page.read_text(encoding="utf-8")


def sections(page: str) -> dict[str, str]:
    """What a page says of each variant."""
    _, *parts = re.split(r"^### ", page, flags=re.MULTILINE)
    return {heading.rpartition(": ")[0]: text for heading, _, text in
            (part.partition("\n") for part in parts)}  # fmt: skip


def rows(section: str) -> list[list[str]]:
    """The cells of its table: check, must, seen, verdict, why."""
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [re.split(r" (?<!\\)\| ", line.strip("| ")) for line in lines]


@pytest.mark.parametrize("file", FILES, ids=[file.name.removesuffix(SUFFIX) for file in FILES])
def test_a_page_is_as_young_as_its_scenario(file: Path, vocabulary: Vocabulary) -> None:
    page = page_of(file)
    scenario = load_scenario(file, vocabulary)
    assert page.startswith(f"# {scenario.name}\n")
    pieces = cut(file.read_text(encoding="utf-8"))
    assert pieces.play in page, STALE
    plans = make_plans(scenario, lab=all_labs()["netns"], scale=None, seed=0)
    told = sections(page)
    assert sorted(told) == sorted(plan.variant for plan in plans), STALE
    for plan in plans:
        section = told[plan.variant]
        assert pieces.variants[plan.variant] in section, STALE
        # What a check asks for it says of an empty history, too.
        asked = judge_history(History([header_record(plan, {}, all_labs()["netns"])]))
        assert [row[:2] for row in rows(section)] == [
            [check.label, wanted(check).replace("|", "\\|")] for check in asked
        ], STALE


@pytest.mark.parametrize("file", FILES, ids=[file.name.removesuffix(SUFFIX) for file in FILES])
def test_a_page_shows_a_run_that_went_as_expected(file: Path) -> None:
    page = page_of(file)
    for heading in re.findall(r"^### .*$", page, re.MULTILINE):
        assert heading.endswith((": ✓ pass", ": ✓ reproduced")), f"{heading}: {STALE}"
    for section in sections(page).values():
        for check, must, _, verdict, _ in rows(section):
            failed = "✗ fail" if must.startswith("must fail") else "✓ pass"
            assert verdict == failed, f"{check}: {STALE}"


@pytest.mark.parametrize("file", FILES, ids=[file.name.removesuffix(SUFFIX) for file in FILES])
def test_a_page_has_a_picture_with_every_variant_and_a_place_in_the_index(file: Path) -> None:
    name = file.name.removesuffix(SUFFIX)
    picture = (PAGES / f"{name}.svg").read_text(encoding="utf-8")
    for variant in sections(page_of(file)):
        assert f">{variant}: " in picture, STALE
    assert f"]({name}.md)" in (PAGES / "README.md").read_text(encoding="utf-8")


def test_no_page_is_left_of_a_scenario_that_is_gone() -> None:
    names = {file.name.removesuffix(SUFFIX) for file in FILES}
    assert {page.stem for page in PAGES.glob("*.md")} - {"README"} == names
    assert {page.stem for page in PAGES.glob("*.svg")} == names
