"""Deadlines are put off by what the machine took from the programs."""

from __future__ import annotations

import asyncio
import time

import pytest

from halfopen.runner.lateness import MOST, Lateness

from ..records import record


def test_the_sandbox_and_the_programs_lose_time() -> None:
    lateness = Lateness()
    lateness.take(record("machine", late_s=0.25))
    lateness.take(record("fds", host="a", pid=1, waited_s=1.0))
    lateness.take(record("fds", host="b", pid=1, waited_s=0.5))
    lateness.take(record("fds", host="a", pid=2))
    assert lateness.lost == 1.75
    lateness.take(record("fds", host="a", pid=1, waited_s=1.5))
    lateness.take(record("fds", host="a", pid=1, waited_s=1.25))  # a thread ended
    lateness.take(record("fds", host="a", pid=1, waited_s=1.5))
    assert lateness.lost == 2.5
    lateness.take(record("machine", late_s=0.25, io_s=0.5))
    assert lateness.lost == 3.25


def waited(seconds: float, *lost: float) -> float:
    """How long something is waited for that never comes."""

    async def wait() -> float:
        lateness = Lateness()
        lateness.take(record("machine", late_s=9.0))  # before the wait began

        async def never() -> None:
            for each in lost:
                lateness.take(record("machine", late_s=each))
            await asyncio.Event().wait()

        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            await lateness.within(seconds, never())
        return time.monotonic() - begun

    return asyncio.run(wait())


def test_a_wait_lasts_longer_by_what_is_lost_meanwhile() -> None:
    assert 0.05 <= waited(0.05) < 0.14
    assert waited(0.05, 0.06, 0.04) >= 0.15


def test_no_wait_lasts_forever() -> None:
    assert (1 + MOST) * 0.05 <= waited(0.05, 1000.0) < 5


def test_what_comes_in_time_is_returned() -> None:
    async def wait() -> int:
        return await Lateness().within(60, asyncio.sleep(0.01, 7))

    assert asyncio.run(wait()) == 7


def test_what_was_there_is_not_late() -> None:
    async def wait() -> int:
        there: asyncio.Future[int] = asyncio.Future()
        there.set_result(7)
        return await Lateness().within(0, there)

    assert asyncio.run(wait()) == 7
