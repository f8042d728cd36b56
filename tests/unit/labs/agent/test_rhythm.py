"""Pauses between looks: steady, or after what happens and then ever rarer."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterator

import pytest

from halfopen.labs.agent.rhythm import BY_EVENTS, STEADY, Rest, Rhythm, Stirs
from halfopen.model.sampling import SAMPLE_S


def _nothing() -> None:
    pass


def _never() -> bool:
    return False


class Pipe:
    """A file descriptor that becomes readable when something happens."""

    def __init__(self) -> None:
        self.fd, self._inlet = os.pipe()

    def happen(self) -> None:
        os.write(self._inlet, b"!")

    def close(self) -> None:
        os.close(self.fd)
        os.close(self._inlet)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def _rest(rest: Rest, looked: float, *events: int, at_most: float = math.inf) -> float:
    """Seconds from a look until the next is due."""
    return rest.until_next(looked, events, _never, at_most) - looked


def test_a_steady_pace_does_not_change() -> None:
    rest = Rest(STEADY, _nothing)
    assert [_rest(rest, time.monotonic()) for _ in range(3)] == pytest.approx([SAMPLE_S] * 3)


def test_looks_become_rarer_while_nothing_happens() -> None:
    rest = Rest(Rhythm(heartbeat_s=60, growth=1.5, longest_s=SAMPLE_S * 2), _nothing)
    pauses = [_rest(rest, time.monotonic()) for _ in range(3)]
    assert pauses == pytest.approx([SAMPLE_S, SAMPLE_S * 1.5, SAMPLE_S * 2])
    assert not rest.told


@pytest.mark.parametrize("way", ["an event", "a stir"])
def test_what_happens_is_looked_at_soon(way: str, pipe: Pipe) -> None:
    rest = Rest(Rhythm(heartbeat_s=60, growth=100, longest_s=60), _nothing)
    _rest(rest, time.monotonic() - SAMPLE_S)  # nothing happens: the next pause is a long one
    looked = time.monotonic()
    happen = pipe.happen if way == "an event" else rest.stir
    timer = threading.Timer(0.05, happen)
    timer.start()
    assert _rest(rest, looked, pipe.fd) == pytest.approx(SAMPLE_S, abs=0.1)
    timer.join()
    assert rest.told


def test_a_storm_is_looked_at_no_more_often_than_at_a_steady_pace(pipe: Pipe) -> None:
    rest = Rest(BY_EVENTS, _nothing)
    begun = looked = time.monotonic()
    pipe.happen()  # and nobody reads it: it goes on and on
    for _ in range(3):
        rest.stir()
        looked = rest.until_next(looked, [pipe.fd], _never, math.inf)
    assert looked - begun >= 3 * SAMPLE_S


def test_what_is_due_in_any_case_comes_no_sooner_than_at_a_steady_pace() -> None:
    rest = Rest(BY_EVENTS, _nothing)
    looked = time.monotonic()
    assert _rest(rest, looked, at_most=looked - 10) == pytest.approx(SAMPLE_S, abs=0.1)


def test_who_asks_is_served_at_once() -> None:
    served = threading.Event()
    rest = Rest(BY_EVENTS, served.set)
    ending = threading.Event()
    thread = threading.Thread(
        target=rest.until_next, args=(time.monotonic() + 100, (), ending.is_set, math.inf)
    )
    thread.start()
    rest.ask()
    assert served.wait(5)
    ending.set()
    rest.ask()
    thread.join(5)
    assert not thread.is_alive()


def test_a_stir_tells_everybody() -> None:
    told: list[str] = []
    stirs = Stirs()
    stirs.add(lambda: told.append("a"))
    stirs.add(lambda: told.append("b"))
    stirs.stir()
    assert told == ["a", "b"]
