"""Every variant of the incident fails on a relpio that lacks what the variant is about.

A check that has never been seen to fail proves nothing.  The mutants are those of the catalogue
(tests/mutants) that the incident catches; `make mutants` plays all.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from halfopen.checkers import all_checks
from halfopen.scenario import load_scenario
from halfopen.vocabulary import default_vocabulary
from tests.lab.scenarios import INCIDENT
from tests.mutants.catching import catch
from tests.mutants.model import load_catalogue

pytestmark = pytest.mark.lab

CATALOGUE = load_catalogue()
MUTANTS = [
    each for each in CATALOGUE if each.scenario_file == INCIDENT and each.package == "relpio"
]

# Where a check is seen to fail that no mutant of the catalogue fails, and no variant on purpose.
SEEN_ELSEWHERE = {
    "log contains": "test_lab_programs.py",
    "counters": "test_lab_programs.py",
    "arrivals": "test_queue_pace.py",
}
LIBRARY = INCIDENT.parents[1]


def _reproduced() -> set[str]:
    """The checks that a variant of the library fails on purpose."""
    vocabulary = default_vocabulary()
    return {
        expectation.check
        for path in sorted(LIBRARY.glob("**/*.scenario.yaml"))
        for variant in load_scenario(path, vocabulary).variants
        for expectation in variant.expect
        if expectation.reproduces
    }


def test_every_check_is_seen_to_fail() -> None:
    seen = {each.check for each in CATALOGUE} | SEEN_ELSEWHERE.keys() | _reproduced()
    missed = set(all_checks()) - seen
    assert not missed, "a check that was never seen to fail proves nothing"


@pytest.mark.usefixtures("netns")
@pytest.mark.timeout(300)
def test_each_variant_fails_on_the_program_that_lacks_its_cure() -> None:
    variants = {each.name for each in load_scenario(INCIDENT, default_vocabulary()).variants}
    assert {each.variant for each in MUTANTS} == variants
    with ThreadPoolExecutor(len(MUTANTS)) as pool:
        outcomes = list(pool.map(catch, MUTANTS))
    for outcome in outcomes:
        assert outcome.caught, (outcome.mutant.name, outcome.said)
