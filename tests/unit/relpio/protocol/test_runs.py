"""Runs of numbers."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from relpio.protocol.runs import Runs, runs_of

if TYPE_CHECKING:
    pass


@given(st.lists(st.integers(0, 5), max_size=8), st.randoms(use_true_random=False))
def test_runs_are_a_set(counts: list[int], rng: random.Random) -> None:
    runs, model, start = Runs(), set[int](), 1
    for count in counts:
        runs.extend(start, count)
        model |= set(range(start, start + count))
        start += count
        for _ in range(3):
            number = rng.randint(0, start)
            assert runs.discard(number) == (number in model)
            model.discard(number)
        if len(runs) and rng.random() < 0.5:
            first = runs.first_run()
            assert first.start == min(model)
            runs.drop_first(1)
            model.discard(first.start)
        assert list(runs) == sorted(model)
        assert len(runs) == len(model)


@given(st.sets(st.integers(1, 40)))
def test_runs_of_rising_numbers(numbers: set[int]) -> None:
    runs = list(runs_of(sorted(numbers)))
    assert {n for first, last in runs for n in range(first, last + 1)} == numbers
    assert all(b[0] > a[1] + 1 for a, b in pairwise(runs))


def test_runs_of_a_range() -> None:
    assert list(runs_of(range(3, 6))) == [(3, 5)]
    assert list(runs_of(range(0))) == []
