"""A path that is worse than it should be: what comes out, when, and how often."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.packet_faults.impair import Impair, Losses, Path, flip_bit

gaps = st.lists(st.floats(0, 1), max_size=60)
hows = st.builds(
    Impair,
    at=st.just("box"),
    name=st.just("line"),
    delay=st.sampled_from([0.0, 0.2, 1.0]),
    jitter=st.sampled_from([0.0, 0.1, 2.0]),
    loss=st.sampled_from([0.0, 0.3]),
    burst=st.sampled_from([1.0, 4.0]),
    duplicate=st.sampled_from([0.0, 0.4]),
    corrupt=st.sampled_from([0.0, 0.4]),
    rate=st.sampled_from([None, 50.0, 5000.0]),
    backlog=st.sampled_from([0, 3, 1000]),
)


def path(how: Impair, seed: int = 7) -> Path:
    return Path(how, random.Random(seed))


def play(how: Impair, times: list[float], octets: int = 100) -> list[tuple[float, int, bool]]:
    """All that comes out: when, what, whether damaged; in the order in which it does."""
    road = path(how)
    fates = [(fate, n) for n, at in enumerate(times) for fate in road.offer(octets, at)]
    # What comes out at the same time keeps its order: sorting is stable.
    return sorted(((fate.at, n, fate.corrupt) for fate, n in fates), key=lambda each: each[0])


def clock(pauses: list[float]) -> list[float]:
    now, times = 0.0, []
    for pause in pauses:
        now += pause
        times.append(now)
    return times


@given(hows, gaps)
def test_what_does_not_overtake_keeps_its_order_and_is_never_early(
    how: Impair, pauses: list[float]
) -> None:
    times = clock(pauses)
    out = play(how, times)
    assert [item for _, item, _ in out] == sorted(item for _, item, _ in out)
    assert [t for t, _, _ in out] == sorted(t for t, _, _ in out)
    for at, item, _ in out:
        assert at >= times[item] + max(0.0, how.delay - how.jitter) - 1e-9


@given(hows, gaps)
def test_the_same_chance_gives_the_same_fate(how: Impair, pauses: list[float]) -> None:
    assert play(how, clock(pauses)) == play(how, clock(pauses))


@given(gaps, st.floats(0.001, 3))
def test_a_delay_without_jitter_moves_everything_by_itself(
    pauses: list[float], delay: float
) -> None:
    times = clock(pauses)
    out = play(Impair("box", "line", delay=delay), times)
    assert [(at, item) for at, item, _ in out] == [(t + delay, n) for n, t in enumerate(times)]


@given(gaps, st.integers(1, 2000))
def test_a_rate_is_never_exceeded(pauses: list[float], octets: int) -> None:
    out = play(Impair("box", "line", rate=1000.0), clock(pauses), octets)
    assert len(out) == len(pauses)
    for (before, _, _), (after, _, _) in pairwise(out):
        assert after - before >= octets / 1000.0 - 1e-9


def test_what_the_backlog_does_not_hold_is_lost() -> None:
    road = path(Impair("box", "line", rate=100.0, backlog=3))
    passed = [number for number in range(10) if road.offer(100, 0.0)]
    assert passed == [0, 1, 2, 3]  # one is sent, three wait


def test_some_overtake_the_others() -> None:
    times = [n / 1000 for n in range(1000)]
    out = play(Impair("box", "line", delay=0.1, reorder=0.2), times)
    early = [item for at, item, _ in out if at == times[item]]
    assert 120 < len(early) < 280
    assert sorted(item for _, item, _ in out) == list(range(1000))
    assert [item for _, item, _ in out] != list(range(1000))


@pytest.mark.parametrize(("share", "burst"), [(0.05, 1.0), (0.05, 5.0), (0.3, 10.0), (0.9, 3.0)])
def test_losses_have_their_share_and_their_length(share: float, burst: float) -> None:
    losses = Losses(share, burst, random.Random(3))
    fate = [losses.next() for _ in range(200_000)]
    runs = sum(1 for before, now in pairwise(fate) if now and not before)
    assert sum(fate) / len(fate) == pytest.approx(share, rel=0.1)
    # By chance alone a run of losses is 1 / (1 - share) long; above burst / (burst + 1) a gap
    # of one packet is too much, and runs are as long as the share asks for.
    expected = 1 / (1 - share) if burst == 1 else max(burst, share / (1 - share))
    assert sum(fate) / runs == pytest.approx(expected, rel=0.1)


def test_all_can_be_lost_and_none() -> None:
    rng = random.Random(1)
    assert all(Losses(1.0, burst, rng).next() for burst in (1.0, 4.0))
    assert not any(Losses(0.0, burst, rng).next() for burst in (1.0, 4.0))
    fate = Losses(1.0, 4.0, rng)
    assert sum(fate.next() for _ in range(100)) >= 99


def test_duplicates_and_damage_have_their_share() -> None:
    out = play(Impair("box", "line", duplicate=0.25, corrupt=0.1), [float(n) for n in range(4000)])
    assert len(out) / 4000 == pytest.approx(1.25, rel=0.05)
    assert sum(corrupt for _, _, corrupt in out) / len(out) == pytest.approx(0.1, rel=0.2)


@given(st.binary(min_size=3, max_size=50), st.integers(0, 1000))
def test_one_bit_is_turned_and_it_is_one_of_those(data: bytes, seed: int) -> None:
    turned = bytearray(data)
    flip_bit(turned, 1, len(data) - 1, random.Random(seed))
    difference = int.from_bytes(data, "big") ^ int.from_bytes(turned, "big")
    assert difference.bit_count() == 1
    assert (turned[0], turned[-1]) == (data[0], data[-1])


@pytest.mark.parametrize(
    ("how", "times", "impaired"),
    [
        (Impair("box", "f"), [0.0], [False]),
        (Impair("box", "f", delay=0.1), [0.0], [True]),
        (Impair("box", "f", corrupt=1.0), [0.0], [True]),
        (Impair("box", "f", duplicate=1.0), [0.0], [True]),
        (Impair("box", "f", loss=1.0), [0.0], [True]),
        # Ten packets a second: the first one waits for nobody.
        (Impair("box", "f", rate=1000.0), [0.0, 0.01, 9.0], [False, True, False]),
        (Impair("box", "f", rate=1000.0, backlog=0), [0.0, 0.01], [False, True]),
        # Nobody is there to be overtaken.
        (Impair("box", "f", delay=0.1, reorder=1.0), [0.0, 0.01], [False, False]),
    ],
)
def test_what_it_did_something_to_is_known(
    how: Impair, times: list[float], impaired: list[bool]
) -> None:
    worse = path(how)
    found = []
    for time in times:
        worse.offer(100, time)
        found.append(worse.impaired)
    assert found == impaired


def test_of_packets_that_may_overtake_those_that_did_are_known() -> None:
    worse = path(Impair("box", "f", delay=0.5, reorder=0.5))
    for number in range(100):
        now = number * 0.01
        (fate,) = worse.offer(100, now)
        assert worse.impaired == (fate.at == now and number > 0) or number < 5
