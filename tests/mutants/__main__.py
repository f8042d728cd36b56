"""`make mutants`: play the whole catalogue, and write docs/mutants.md.

With names of mutants or groups as arguments only those are played, and no page is written.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tests.mutants.catching import Outcome, catch, control_tests, control_variant
from tests.mutants.model import Mutant, load_catalogue
from tests.mutants.page import PAGE, render

T = TypeVar("T")

# Tests compute; variants mostly wait, and measure time.
_TESTS_AT_A_TIME = os.cpu_count() or 2
_VARIANTS_AT_A_TIME = 4


def main() -> int:
    """Return 0 if all are caught, 1 if one survives or something fails without a mutant."""
    begun = time.monotonic()
    chosen = set(sys.argv[1:])
    mutants = [m for m in load_catalogue() if not chosen or {m.name, m.group} & chosen]
    by_test = [m for m in mutants if m.test]
    by_variant = [m for m in mutants if m.scenario]
    problems = control_tests(by_test)
    found = _each(_catch, by_test, _TESTS_AT_A_TIME)
    one_of_each = {(m.scenario, m.variant): m for m in by_variant}.values()
    for some in _each(control_variant, one_of_each, _VARIANTS_AT_A_TIME):
        problems += some
    found += _each(_catch, by_variant, _VARIANTS_AT_A_TIME)
    for problem in problems:
        _say(f"control: {problem}")
    named = {each.mutant.name: each for each in found}
    outcomes = [named[each.name] for each in mutants]
    survivors = [each for each in outcomes if not each.caught]
    if not chosen:
        PAGE.write_text(render(outcomes), encoding="utf-8")
    minutes = (time.monotonic() - begun) / 60
    _say(f"{len(outcomes) - len(survivors)} of {len(outcomes)} caught in {minutes:.1f} min")
    return 1 if survivors or problems or not outcomes else 0


def _each(work: Callable[[Mutant], T], mutants: Iterable[Mutant], at_a_time: int) -> list[T]:
    with ThreadPoolExecutor(at_a_time) as pool:
        return list(pool.map(work, mutants))


def _catch(mutant: Mutant) -> Outcome:
    outcome = catch(mutant)
    state = "caught  " if outcome.caught else "SURVIVES"
    _say(f"{state} {mutant.name}: {' '.join(outcome.said.split())[:150]}")
    return outcome


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
