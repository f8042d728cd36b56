"""Slots for runs: a fixed number, and more while the machine has time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from halfopen.runner.concurrency import Jobs, Load, RunSlots, auto, fixed


async def _most_at_a_time(jobs: Jobs, runs: int, has_time: Callable[[], bool]) -> int:
    slots = RunSlots(jobs, has_time)
    within = most = 0
    begun: list[int] = []

    async def run(number: int) -> None:
        nonlocal within, most
        async with slots.acquire():
            begun.append(number)
            within += 1
            most = max(most, within)
            for _ in range(5):
                await asyncio.sleep(0)
            within -= 1

    await asyncio.gather(*(run(number) for number in range(runs)))
    assert begun == list(range(runs))
    return most


@given(least=st.integers(1, 4), more=st.integers(0, 4), busy=st.sets(st.integers(0, 30)))
@settings(max_examples=50, deadline=None)
def test_slots_stay_within_their_bounds_and_all_have_a_turn(
    least: int, more: int, busy: set[int]
) -> None:
    looks = iter(range(10_000))
    jobs = Jobs(least, least + more)
    most = asyncio.run(_most_at_a_time(jobs, 12, lambda: next(looks) not in busy))
    assert least <= most <= least + more


def test_a_busy_machine_has_the_least() -> None:
    assert asyncio.run(_most_at_a_time(Jobs(2, 9), 9, lambda: False)) == 2


def test_an_idle_machine_has_more() -> None:
    assert asyncio.run(_most_at_a_time(Jobs(2, 5), 9, lambda: True)) == 5


def test_a_fixed_number_asks_nobody() -> None:
    def never() -> bool:
        raise AssertionError("a fixed number does not depend on the machine")

    assert asyncio.run(_most_at_a_time(fixed(3), 9, never)) == 3
    assert auto().least < auto().most


class Machine:
    """One with two processors, whose time passes as a test says."""

    now = idle = 0.0

    def passes(self, seconds: float, busy: float) -> None:
        self.now += seconds
        self.idle += 2 * seconds * (1 - busy)

    def load(self) -> Load:
        return Load(lambda: self.idle, lambda: self.now, 2)


def test_bursts_do_not_hide_that_there_is_time_between_them() -> None:
    machine = Machine()
    load = machine.load()
    said = []
    for busy in (1.0, 1.0, 1.0, 0.2) * 8:
        machine.passes(0.25, busy)
        said.append(load.has_time())
    assert not any(said[:3])
    assert all(said[3:])


def test_what_was_idle_long_ago_does_not_count() -> None:
    machine = Machine()
    load = machine.load()
    machine.passes(100, 0.0)
    assert load.has_time()
    said = []
    for _ in range(12):
        machine.passes(0.25, 1.0)
        said.append(load.has_time())
    assert said[0] and not any(said[8:])


def test_a_moment_is_too_short_to_say() -> None:
    machine = Machine()
    load = machine.load()
    machine.passes(0.2, 0.0)
    assert not load.has_time()
    machine.passes(0.1, 0.0)
    assert load.has_time()
    assert not load.has_time()


async def _failing() -> int:
    slots = RunSlots(fixed(1))
    for _ in range(3):
        try:
            async with slots.acquire():
                raise KeyError
        except KeyError:
            continue
    async with slots.acquire():
        return 1


def test_a_run_that_fails_leaves_its_slot() -> None:
    assert asyncio.run(_failing()) == 1
