"""A run ends when nothing has changed for a few samples, and not before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from halfopen.model.flows import SKEW_SAMPLES
from halfopen.model.records import Record
from halfopen.model.sampling import SAMPLE_S
from halfopen.runner.settling import AT_MOST_S, LATE_MOST, MOST, QUIET_SAMPLES, Settling

from ..records import record

QUIET_S = QUIET_SAMPLES * SAMPLE_S
LATE_S = 1.5 * SAMPLE_S  # so late that what is half-open is not certain after QUIET_S


def sample(t: float, *ports: int, state: str = "ESTABLISHED", **more: float) -> Record:
    sockets = [
        {"local": f"198.18.1.1:{p}", "peer": "198.18.2.1:514", "state": state} for p in ports
    ]
    return record("sockets", t, host="receiver", sockets=sockets, **more)


class World:
    """Time that passes only while somebody sleeps, and records that come at their time."""

    def __init__(self, begun: float, coming: Sequence[Record]) -> None:
        self.t = begun
        self.coming = sorted(coming, key=lambda each: each["t"])
        self.settling = Settling(SAMPLE_S)

    async def play(self) -> None:
        await self.sample()
        await self.settling.wait(lambda: self.t, self.sample, since=self.t)

    async def sleep(self, seconds: float) -> None:
        self.t += seconds
        await self.sample()

    async def sample(self) -> None:
        while self.coming and self.coming[0]["t"] <= self.t:
            self.settling.take(self.coming.pop(0))


def ended_at(monkeypatch: pytest.MonkeyPatch, begun: float, *coming: Record) -> float:
    world = World(begun, coming)
    monkeypatch.setattr(asyncio, "sleep", world.sleep)
    asyncio.run(world.play())
    return world.t


def test_a_quiet_run_lasts_a_few_samples_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended_at(monkeypatch, 10.0, sample(1.0, 1)) == pytest.approx(10.0 + QUIET_S)


def test_late_samples_make_the_wait_longer_but_not_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    late = 6 * SAMPLE_S
    coming = [sample(1.0, 1, late_s=late), sample(11.0, 1, 2)]
    assert ended_at(monkeypatch, 10.0, *coming) == pytest.approx(11.0 + 4 * late)
    changing = [sample(10.0 + n, *range(n + 1), late_s=late) for n in range(60)]
    assert ended_at(monkeypatch, 10.0, *changing) == pytest.approx(10.0 + MOST * AT_MOST_S)


def test_a_connection_that_ends_in_the_last_second_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = ended_at(monkeypatch, 10.0, sample(1.0, 1), sample(10.9))
    assert found == pytest.approx(10.9 + QUIET_S)


def test_what_the_sample_at_the_end_shows_is_waited_for_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = ended_at(monkeypatch, 10.0, sample(1.0, 1), sample(10.0 + QUIET_S, 2))
    assert found == pytest.approx(10.0 + 2 * QUIET_S)


def test_a_host_that_is_looked_at_seldom_has_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ended_at(monkeypatch, 10.0, sample(1.0, 1, late_s=0.5))
    assert found == pytest.approx(10.0 + 2 * QUIET_S)


def test_what_is_not_established_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ended_at(monkeypatch, 10.0, sample(10.5, 1, state="SYN_SENT"))
    assert found == pytest.approx(10.0 + QUIET_S)


def test_a_run_whose_connections_always_change_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = [sample(10 + n / 2, n) for n in range(100)]
    assert ended_at(monkeypatch, 10.0, *busy) == pytest.approx(10.0 + AT_MOST_S)


@pytest.mark.parametrize(
    "late", [record("machine", 9.0, late_s=LATE_S), record("step", 9.0, state="end", late_s=LATE_S)]
)
def test_what_is_late_is_waited_for_as_long_as_the_checks_take_it_to_be(
    monkeypatch: pytest.MonkeyPatch, late: Record
) -> None:
    begun = record("step", 1.0, state="begin")
    found = ended_at(monkeypatch, 10.0, begun, late, sample(10.0, 1))
    assert found == pytest.approx(10.0 + (SKEW_SAMPLES + 1) * (SAMPLE_S + LATE_S))


def test_a_late_machine_makes_the_end_no_story_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, late = record("step", 1.0, state="begin"), record("machine", 9.0, late_s=30.0)
    found = ended_at(monkeypatch, 10.0, begun, late, sample(10.0, 1))
    assert found == pytest.approx(10.0 + LATE_MOST * QUIET_S)


def test_late_before_the_first_step_makes_no_wait_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ended_at(monkeypatch, 10.0, record("machine", 9.0, late_s=0.5), sample(10.0, 1))
    assert found == pytest.approx(10.0 + QUIET_S)


def test_a_wait_that_ends_late_goes_on_for_as_long_as_that_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(10.0, [sample(1.0, 1)])
    lateness = iter([LATE_S])

    async def sleep(seconds: float) -> None:
        await World.sleep(world, seconds + next(lateness, 0.0))

    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(world.play())
    assert world.t == pytest.approx(10.0 + (SKEW_SAMPLES + 1) * (SAMPLE_S + LATE_S))


def test_how_much_of_it_only_lateness_took_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def overtime(*coming: Record) -> float:
        world = World(10.0, coming)
        monkeypatch.setattr(asyncio, "sleep", world.sleep)

        async def play() -> float:
            await world.sample()
            return await world.settling.wait(lambda: world.t, world.sample, since=10.0)

        return asyncio.run(play())

    assert overtime(sample(1.0, 1)) == pytest.approx(0.0)
    assert overtime(sample(1.0, 1), sample(10.5, 2)) == pytest.approx(0.0)
    late_s = 3 * SAMPLE_S
    assert overtime(sample(1.0, 1, late_s=late_s)) == pytest.approx(2 * QUIET_S)
