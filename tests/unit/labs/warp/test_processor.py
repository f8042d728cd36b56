import os
import subprocess
from collections.abc import Iterator

import pytest

from halfopen.labs.warp.processor import Processors, pin, unpin


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as sleeps:
        yield sleeps
        sleeps.kill()


def test_a_guest_stays_where_the_host_put_it() -> None:
    assert Processors().choose({0, 1, 2}, runs_on=1) == 1


def test_each_guest_has_a_processor_while_there_are_enough() -> None:
    processors = Processors()
    assert {processors.choose({0, 1, 2}, runs_on=1) for _ in range(3)} == {0, 1, 2}
    assert processors.choose({0, 1, 2}, runs_on=2) == 2


def test_a_processor_that_was_given_back_is_free() -> None:
    processors = Processors()
    first, second = (processors.choose({0, 1}, runs_on=None) for _ in range(2))
    processors.give_back(second)
    assert (first, processors.choose({0, 1}, runs_on=first)) == (first, second)


def test_a_processor_that_is_not_ours_is_not_chosen() -> None:
    assert Processors().choose({3, 4}, runs_on=0) == 3


def test_a_process_is_pinned(process: subprocess.Popen[bytes]) -> None:
    chosen = pin(process.pid)
    try:
        assert os.sched_getaffinity(process.pid) == {chosen}
    finally:
        unpin(chosen)


def test_a_process_that_has_ended_does_no_harm(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    unpin(pin(process.pid))
