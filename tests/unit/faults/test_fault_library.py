"""Every fault of the vocabulary is shown in a scenario, and says what it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from halfopen.faults import all_faults
from halfopen.scenario import load_scenario
from halfopen.scenario.model import Inject
from halfopen.vocabulary import default_vocabulary

LIBRARY = Path(__file__).parents[3] / "scenarios" / "faults"


@pytest.fixture(scope="module")
def shown() -> Counter[str]:
    """How many steps of the library inject each fault."""
    vocabulary = default_vocabulary()
    return Counter(
        step.fault.name
        for path in sorted(LIBRARY.glob("**/*.scenario.yaml"))
        for variant in load_scenario(path, vocabulary).variants
        for step in variant.steps
        if isinstance(step, Inject)
    )


@pytest.mark.parametrize("name", sorted(all_faults()))
def test_a_scenario_shows_the_fault(name: str, shown: Counter[str]) -> None:
    assert shown[name], f"no file under scenarios/faults has a step `- fault: {name}`"


def test_the_library_injects_nothing_that_is_no_fault(shown: Counter[str]) -> None:
    assert set(shown) <= set(all_faults())


@pytest.mark.parametrize("name", sorted(all_faults()))
def test_every_fault_says_what_it_touches(name: str) -> None:
    units = all_faults()[name].touches
    assert units
    assert all(unit.islower() and unit.endswith("s") for unit in units)
