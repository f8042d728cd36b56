"""The way into a queue: marks, severities, delays, room; and the policies behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio import ConfigurationError
from relpio.queue.direct import DirectQueue
from relpio.queue.intake import FlowControl, Intake, Offered
from relpio.queue.memory import MemoryQueue
from relpio.queue.policy import (
    LOOK_AGAIN,
    DequeuePolicy,
    keep_by_severity,
    severity,
    wanted_workers,
)
from relpio.queue.settings import QueueSettings, QueueType

from ..doubles import run

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"<0>x", 0),
        (b"<191>x", 7),
        (b"<13>x", 5),
        (b"<30>", 6),
        (b"<192>x", 5),
        (b"<>x", 5),
        (b"<1234>x", 5),
        (b"x<3>", 5),
        (b"", 5),
        (b"<-1>x", 5),
        (b"<1 >x", 5),
        ("<\u0663>".encode(), 5),
    ],
)
def test_severity(message: bytes, expected: int) -> None:
    assert severity(message) == expected


@given(
    st.lists(st.sampled_from([b"<0>a", b"<3>b", b"<6>c", b"d"]), max_size=20),
    st.integers(0, 12),
    st.integers(0, 12),
    st.integers(0, 8),
)
def test_discarding_is_as_if_messages_came_one_by_one(
    messages: list[bytes], filling: int, mark: int, lowest: int
) -> None:
    held, expected = filling, []
    for position, message in enumerate(messages):
        if mark and held >= mark and severity(message) >= lowest:
            expected.append(position)
        else:
            held += 1
    kept, dropped = keep_by_severity(messages, filling, mark, lowest)
    assert dropped == expected
    assert [*kept] == [m for at, m in enumerate(messages) if at not in expected]


def test_workers_for_messages() -> None:
    settings = QueueSettings(size=100, worker_threads=4)
    assert [wanted_workers(n, settings) for n in (0, 24, 25, 50, 99, 1000)] == [1, 1, 2, 3, 4, 4]
    few = QueueSettings(worker_threads=3, worker_thread_minimum_messages=2)
    assert [wanted_workers(n, few) for n in (0, 1, 2, 3, 4, 9)] == [1, 1, 2, 2, 3, 3]


def test_minimum_batch_waits_for_its_time() -> None:
    policy = DequeuePolicy(QueueSettings(min_dequeue_batch_size=10, timeout_min_batch=2.0))
    noon = datetime(2024, 1, 1, 12)
    assert policy.delay(0, 0.0, noon) is None
    assert policy.delay(9, 0.5, noon) == 1.5
    assert policy.delay(9, 2.0, noon) == 0
    assert policy.delay(10, 0.0, noon) == 0


@pytest.mark.parametrize(
    ("begin", "end", "open_hours"),
    [(0, 25, range(24)), (8, 17, range(8, 17)), (22, 3, [22, 23, 0, 1, 2]), (0, 24, range(24))],
)
def test_time_window(begin: int, end: int, open_hours: Sequence[int]) -> None:
    policy = DequeuePolicy(QueueSettings(dequeue_time_begin=begin, dequeue_time_end=end))
    for hour in range(24):
        delay = policy.delay(1, 0.0, datetime(2024, 1, 1, hour, 30))
        assert delay == (0 if hour in open_hours else LOOK_AGAIN)


def test_a_worker_is_there_when_the_hour_begins_and_soon_after_the_clock_was_set() -> None:
    policy = DequeuePolicy(QueueSettings(dequeue_time_begin=8, dequeue_time_end=9))
    delay = policy.delay(1, 0.0, datetime(2024, 1, 1, 7, 59, 57))
    assert delay == 3
    # What waits when a machine is suspended at six must not wait for hours when it wakes at eight.
    delay = policy.delay(1, 0.0, datetime(2024, 1, 1, 6, 0, 0))
    assert delay is not None
    assert 0 < delay <= LOOK_AGAIN < 60


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 0},
        {"discard_severity": 9},
        {"type": QueueType.DISK},
        {"filename": "a/b"},
        {"filename": ".."},
        {"filename": "q", "high_watermark": 10, "low_watermark": 10},
        {"filename": "q", "high_watermark": 20_000},
        {"discard_mark": 20_000},
        {"dequeue_time_begin": 3, "dequeue_time_end": 3},
        {"dequeue_time_end": 26},
        {"max_disk_space": 1},
        {"max_file_size": 10},
        {"min_dequeue_batch_size": 5000},
        {"timeout_enqueue": -1.0},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        QueueSettings(**wrong)


def test_percentages() -> None:
    marks = QueueSettings(size=1000).marks
    assert (marks.high, marks.low, marks.light_delay, marks.discard) == (900, 700, 700, 980)
    assert marks.full_delay == 970
    assert QueueSettings(size=1000, filename="q").marks.full_delay == 450
    tiny = QueueSettings(size=1, filename="q").marks
    assert (tiny.high, tiny.low, tiny.full_delay) == (1, 0, 1)


@given(st.integers(1, 300))
def test_default_marks_fit_every_size(size: int) -> None:
    marks = QueueSettings(size=size, filename="q").marks
    assert 0 <= marks.low < marks.high <= size


def drain(queue: MemoryQueue, count: int) -> list[bytes]:
    lease = queue.lease(count)
    queue.ack(lease.numbers)
    return list(lease.messages)


def test_discard_mark_keeps_what_is_important() -> None:
    async def work() -> None:
        queue = MemoryQueue(10)
        intake = Intake(queue, QueueSettings(size=10, discard_mark=2, discard_severity=5))
        offered = await intake.offer([b"<7>a", b"<7>b", b"<7>c", b"<0>d", b"e"], FlowControl.NONE)
        assert offered == Offered(3, [2, 4], [range(1, 4)])
        assert drain(queue, 9) == [b"<7>a", b"<7>b", b"<0>d"]
        # What was dropped is gone: it must not count against the mark (a trap of rsyslog 8.2302).
        assert (await intake.offer([b"<7>f"], FlowControl.NONE)).accepted == 1
        assert intake.discarded_by_severity == 2

    run(work)


def test_a_full_queue_drops_at_once_when_told_to() -> None:
    async def work() -> None:
        events: list[str] = []

        def log(event: str, /, **fields: object) -> None:
            events.append(event)

        intake = Intake(MemoryQueue(2), QueueSettings(size=2, timeout_enqueue=0.0), log)
        offered = await intake.offer([b"a", b"b", b"c"], FlowControl.NONE)
        assert offered == Offered(2, [2], [range(1, 3)])
        assert (await intake.offer([b"d"], FlowControl.NONE)).discarded == [0]
        assert (intake.discarded_full, events) == (2, ["discard-begin"])

    run(work)


def test_a_full_queue_waits_for_room() -> None:
    async def work() -> None:
        queue = MemoryQueue(2)
        intake = Intake(queue, QueueSettings(size=2))
        offer = asyncio.create_task(intake.offer([b"%d" % n for n in range(5)], FlowControl.NONE))
        seen: list[bytes] = []
        while len(seen) < 5:
            await asyncio.sleep(0)
            assert len(queue) <= 2
            seen += drain(queue, 1)
        assert seen == [b"%d" % n for n in range(5)]
        assert (await offer).accepted == 5

    run(work)


def test_full_delay_waits_below_the_mark_and_light_delay_only_a_moment() -> None:
    async def work() -> None:
        queue = MemoryQueue(10)
        intake = Intake(queue, QueueSettings(size=10, full_delay_mark=3, light_delay_mark=4))
        await intake.offer([b"x"] * 4, FlowControl.NONE)
        waiting = asyncio.create_task(intake.offer([b"full"], FlowControl.FULL))
        # Light delay ends by itself; the full one does not.
        await intake.offer([b"light"], FlowControl.LIGHT)
        assert not waiting.done()
        drain(queue, 2)
        await asyncio.sleep(0)
        assert not waiting.done()
        drain(queue, 1)
        await waiting
        assert drain(queue, 9) == [b"x", b"light", b"full"]

    run(work)


def test_a_direct_queue_accepts_what_the_server_took(tools: type[Tools]) -> None:
    async def work() -> None:
        queue = DirectQueue(10)
        intake = Intake(queue)
        first = asyncio.create_task(intake.offer([b"a", b"b"]))
        await tools.eventually(lambda: queue.ready == 2)
        second = asyncio.create_task(intake.offer([b"c"]))
        await tools.eventually(lambda: queue.ready == 3)
        assert queue.lease(9).messages == [b"a", b"b", b"c"]
        queue.ack([2, 3])
        await asyncio.sleep(0)
        assert not first.done() and not second.done()
        queue.ack([1])
        assert (await first).accepted == 2
        assert (await second).accepted == 1

    run(work)


@given(
    st.integers(1, 12),
    st.integers(0, 12),
    st.integers(0, 12),
    st.integers(1, 60),
    st.lists(st.tuples(st.integers(1, 20), st.sampled_from(FlowControl)), min_size=1, max_size=5),
    st.lists(st.integers(1, 12), max_size=30),
)
def test_nobody_waits_in_vain(
    size: int,
    full_delay: int,
    light_delay: int,
    octets: int,
    offers: list[tuple[int, FlowControl]],
    drains: list[int],
) -> None:
    """Whatever the size, inputs that wait go on by answers alone: no clock ever wakes them."""

    async def work() -> None:
        queue = MemoryQueue(size, octets)
        settings = QueueSettings(
            size=size,
            full_delay_mark=min(full_delay, size),
            light_delay_mark=min(light_delay, size),
            discard_mark=0,
        )
        intake = Intake(queue, settings)
        tasks = [
            asyncio.create_task(intake.offer([b"x" * (1 + n % 7) for n in range(count)], flow))
            for count, flow in offers
        ]
        counts = iter(drains)
        taken = 0
        turns_without = 0
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            drained = len(drain(queue, next(counts, 1)))
            taken += drained
            # An empty queue has nobody left who would wake an input: none may be waiting then.
            turns_without = 0 if drained else turns_without + 1
            assert turns_without < 20, "somebody waits although there is room"
        taken += len(drain(queue, size))
        assert taken == sum(count for count, _ in offers) == intake.accepted

    run(work)


def test_an_input_at_the_full_delay_mark_goes_on_with_a_batch(tools: type[Tools]) -> None:
    async def work() -> None:
        queue = MemoryQueue(100)
        intake = Intake(queue, QueueSettings(size=100, full_delay_mark=80))
        await intake.offer([b"x"] * 80, FlowControl.NONE)
        waiting = asyncio.create_task(intake.offer([b"y"] * 20, FlowControl.FULL))
        await tools.eventually(lambda: len(intake._waiting) == 1)
        for _ in range(20):
            drain(queue, 1)
        assert len(intake._waiting) == 1  # at 60, not once woken
        drain(queue, 1)
        assert not intake._waiting
        await waiting
        assert len(queue) == 79

    run(work)


def test_an_input_goes_on_when_nobody_answers_below_the_mark() -> None:
    async def work() -> None:
        queue = MemoryQueue(100)
        intake = Intake(queue, QueueSettings(size=100, full_delay_mark=80))
        await intake.offer([b"x"] * 80, FlowControl.NONE)
        waiting = asyncio.create_task(intake.offer([b"y"], FlowControl.FULL))
        await asyncio.wait([waiting], timeout=0.01)
        drain(queue, 1)  # the last answer for a long time
        assert (await waiting).accepted == 1

    run(work)
