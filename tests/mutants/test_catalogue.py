"""The catalogue of mutants is sound, its page is complete, and quick mutants are caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen.scenario import load_scenario
from halfopen.vocabulary import default_vocabulary
from tests.mutants.catching import RUN, catch
from tests.mutants.model import ROOT, CatalogueError, Mutant, load_catalogue
from tests.mutants.page import PAGE

MUTANTS = load_catalogue()
QUICK = [each for each in MUTANTS if each.quick]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.name)
def test_each_changes_one_place_and_names_what_catches_it(mutant: Mutant) -> None:
    source = mutant.source()
    assert mutant.old != mutant.new
    compile(source, mutant.file, "exec")
    assert mutant.says
    assert mutant.bug.endswith(".")
    if mutant.test:
        path, *names = mutant.test.split("::")
        text = (ROOT / "tests" / path).read_text()
        assert all(f"{name.partition('[')[0]}(" in text for name in names)
    else:
        scenario = load_scenario(mutant.scenario_file, default_vocabulary())
        variant = next(each for each in scenario.variants if each.name == mutant.variant)
        checks = {each.check for each in variant.expect}
        assert mutant.check in checks | {"exits", RUN}  # which need not be asked for


def test_there_are_enough_of_both_kinds() -> None:
    kinds = [each.package for each in MUTANTS]
    assert kinds.count("relpio") >= 40
    assert kinds.count("halfopen") >= 20


def test_the_page_shows_all_and_no_others() -> None:
    rows = [line.split(" | ")[0] for line in PAGE.read_text().splitlines()]
    shown = [row.removeprefix("| ") for row in rows if row.startswith("| ")]
    assert [name for name in shown if name != "mutant"] == [each.name for each in MUTANTS]
    assert "survives" not in PAGE.read_text()


def test_a_text_that_is_not_there_once_is_an_error_of_the_catalogue() -> None:
    for old, times in (("no such text", "0"), ("import ", r"\d+")):
        mutant = Mutant(
            name="none", group="test", bug="None.", file="relpio/net/peers.py", old=old, new="",
            says="x", test="unit/x.py",
        )  # fmt: skip
        with pytest.raises(CatalogueError, match=f"has the text to replace {times} times"):
            mutant.source()


def test_a_mutant_is_bred_beside_the_package(tmp_path: Path) -> None:
    mutant = next(each for each in MUTANTS if each.package == "relpio")
    bred = mutant.breed(tmp_path)
    assert (bred / mutant.file).read_text() == mutant.source()
    original = ROOT / "impl" / mutant.file
    assert original.read_text() != mutant.source()


@pytest.mark.parametrize("mutant", QUICK, ids=lambda each: each.name)
def test_a_quick_one_is_caught(mutant: Mutant) -> None:
    outcome = catch(mutant)
    assert outcome.caught, f"{mutant.catcher} did not catch it: {outcome.said}"
