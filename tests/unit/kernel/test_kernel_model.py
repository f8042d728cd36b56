"""The model of the kernel's timers, against figures measured on Linux 6.18, HZ=250."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.kernel import (
    HZS,
    Keepalive,
    Stack,
    busy_detection,
    detection,
    granularity,
    probe_period,
    survives_a_lost_probe,
    zero_window_detection,
)
from halfopen.kernel.retransmission import model_timeout

# A measurement begins when the way is cut, a little after the peer was last heard.
BEFORE = 0.1

keepalives = st.builds(Keepalive, st.integers(1, 32767), st.integers(1, 32767), st.integers(1, 127))
hertz = st.sampled_from(HZS)


@pytest.mark.parametrize(
    ("settings", "patience", "measured"),
    [
        ((3, 2, 3), None, 8.95),
        ((3, 2, 9), 4.5, 4.93),
        ((3, 2, 9), 1.0, 4.91),
        ((3, 2, 2), 20.0, 21.06),
        ((5, 1, 3), 7.2, 8.03),
    ],
)
def test_idle_detection_as_measured(
    settings: tuple[int, int, int], patience: float | None, measured: float
) -> None:
    bounds = detection(Keepalive(*settings), patience)
    assert bounds.earliest - BEFORE <= measured <= bounds.latest


def test_the_default_takes_two_hours_and_eleven_minutes() -> None:
    assert detection(Keepalive(7200, 75, 9)).earliest == 7875


@pytest.mark.parametrize(
    ("settings", "measured"),
    [((2, 5, 9), 5.2), ((5, 2, 9), 5.0), ((140, 1, 1), 146.4), ((200, 1, 1), 206.6),
     ((270, 1, 1), 277.7), ((340, 1, 1), 345.9)],
)  # fmt: skip
def test_probe_period_as_measured(settings: tuple[int, int, int], measured: float) -> None:
    assert measured in probe_period(Keepalive(*settings))


@pytest.mark.parametrize(
    ("retries", "patience", "measured"),
    [(3, None, 6.81), (5, None, 13.33), (15, None, 938.5), (15, 5.0, 5.42), (5, 30.0, 30.51)],
)
def test_busy_detection_as_measured(retries: int, patience: float | None, measured: float) -> None:
    assert measured in busy_detection(patience, Stack(retries))


def test_a_shorter_longest_wait_as_measured() -> None:
    assert 14.98 in busy_detection(None, Stack(15, rto_max=1.0))
    assert model_timeout(15, 1.0) == pytest.approx(14.4, abs=0.01)


def test_the_model_of_fifteen_repetitions() -> None:
    assert model_timeout(15) == pytest.approx(924.6)
    assert model_timeout(9) == pytest.approx(204.6)


@pytest.mark.parametrize(("retries", "patience", "measured"), [(5, None, 31.2), (15, 4.0, 1.05)])
def test_a_closed_window_as_measured(retries: int, patience: float | None, measured: float) -> None:
    assert measured in zero_window_detection(patience, Stack(retries))


@pytest.mark.parametrize(
    ("idle", "late"),
    [(60, (5.1, 2.0, 1.7, 4.1)), (120, (5.1, 2.0, 13.7, 4.1)), (240, (5.1, 16.4, 13.7, 4.1)),
     (300, (5.1, 16.4, 13.7, 32.8)), (340, (41, 16.4, 13.7, 32.8)), (7200, (328, 131, 874, 262))],
)  # fmt: skip
def test_lateness_by_ticks_a_second(idle: int, late: tuple[float, ...]) -> None:
    assert tuple(granularity(idle, hz) for hz in HZS) == pytest.approx(late, rel=0.03)


@pytest.mark.parametrize("wrong", [(0, 1, 1), (1, 32768, 1), (1, 1, 128), (32768, 1, 1)])
def test_beyond_the_kernels_limits(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="the kernel takes 1 to"):
        Keepalive(*wrong)


def test_a_lost_probe() -> None:
    assert survives_a_lost_probe(Keepalive(60, 10, 2))
    assert not survives_a_lost_probe(Keepalive(60, 10, 1))
    assert not survives_a_lost_probe(Keepalive(60, 10, 9), 70.0)
    assert survives_a_lost_probe(Keepalive(60, 10, 1), 80.0)  # the number does not count then


@given(keepalives, st.one_of(st.none(), st.floats(0.001, 1e6)), hertz)
def test_detection_is_an_interval_that_begins_after_a_probe(
    keepalive: Keepalive, patience: float | None, hz: int
) -> None:
    bounds = detection(keepalive, patience, hz)
    assert keepalive.idle + keepalive.interval <= bounds.earliest <= bounds.latest
    if patience is not None:
        assert bounds.latest >= patience
        assert bounds.earliest >= min(patience, bounds.latest) or bounds.earliest >= keepalive.idle


@given(st.integers(0, 20), st.one_of(st.none(), st.floats(0.001, 1e6)), hertz)
def test_more_patience_is_never_an_earlier_end(
    retries: int, patience: float | None, hz: int
) -> None:
    stack = Stack(retries, hz)
    bounds = busy_detection(patience, stack)
    assert 0 < bounds.earliest <= bounds.latest
    more = busy_detection(None if patience is None else patience * 2, Stack(retries + 1, hz))
    assert bounds.earliest <= more.earliest
    assert bounds.latest <= more.latest


@given(st.floats(0.001, 1e5), hertz)
def test_lateness_is_an_eighth_at_most_beyond_a_tick(seconds: float, hz: int) -> None:
    assert granularity(seconds, hz) <= max(1 / hz, seconds * 8 / 63)
