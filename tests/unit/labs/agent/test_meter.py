"""The meter of lateness."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from halfopen.labs.agent.meter import Meter


def measured(busy_s: float, noted: float = 0.0) -> float:
    """The greatest lateness that is recorded while the loop was busy for so long."""
    records: list[Any] = []

    async def run() -> None:
        meter = Meter(records.append)
        meter.start()
        await asyncio.sleep(0.1)
        time.sleep(busy_s)  # noqa: ASYNC251 - what is measured
        meter.note(noted)
        await asyncio.sleep(0.1)
        await meter.stop()

    asyncio.run(run())
    assert {each["kind"] for each in records} == {"machine"}
    assert all(each["idle"] >= 0 for each in records)
    return max(float(each["late_s"]) for each in records)


def test_a_loop_that_was_held_up_is_late() -> None:
    assert measured(0.5) >= 0.4


def test_what_others_note_counts() -> None:
    assert measured(0.0, noted=30.0) == 30.0


def test_the_last_moments_are_recorded_too() -> None:
    records: list[Any] = []

    async def run() -> None:
        meter = Meter(records.append)
        await meter.stop()
        meter.start()
        await asyncio.sleep(0)
        meter.note(2.0)
        await meter.stop()

    asyncio.run(run())
    assert [each["late_s"] for each in records] == [2.0]
