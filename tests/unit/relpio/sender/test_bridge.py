"""From queue to queue, and the queues that options ask for."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relpio import ConfigurationError, MemoryQueue
from relpio.command import queue_options
from relpio.command.queue_options import all_queue_settings
from relpio.metrics.registry import Registry
from relpio.queue.assisted import DiskAssistedQueue
from relpio.queue.base import MessageQueue
from relpio.queue.direct import DirectQueue
from relpio.queue.disk import DiskQueue
from relpio.queue.intake import Intake
from relpio.queue.settings import QueueSettings
from relpio.sender.bridge import NumberMap, QueueBridge
from relpio.sender.queues import open_queues


def options(**given: Any) -> argparse.Namespace:
    """Parsed options: the defaults, and what is given as text."""
    values: dict[str, Any] = {
        option.field: option.default_value() for option in queue_options.OPTIONS
    }
    parse = {option.field: option.parse for option in queue_options.OPTIONS}
    values.update((name, parse[name](text)) for name, text in given.items())
    return argparse.Namespace(**values, shutdown_timeout=5.0)


def take_all(queue: MessageQueue) -> list[bytes]:
    lease = queue.lease(1000)
    queue.ack(lease.numbers)
    return list(lease.messages)


def test_a_batch_leaves_the_first_queue_when_it_is_safe_in_the_second(
    tools: Any, tmp_path: Path
) -> None:
    async def work() -> None:
        main = MemoryQueue(100)
        settings = QueueSettings(size=6)
        action = MemoryQueue(6)
        bridge = QueueBridge(main, Intake(action, settings), QueueSettings(dequeue_batch_size=4))
        main.put([b"%d" % n for n in range(20)])
        task = asyncio.create_task(bridge.run())
        out: list[bytes] = []
        while len(out) < 20:
            await tools.eventually(lambda: action.ready > 0)
            assert len(main) + len(action) + len(out) >= 20
            lease = action.lease(3)
            assert bridge.number_map.of(lease.numbers) == list(lease.numbers)
            out += lease.messages
            action.ack(lease.numbers)
        assert out == [b"%d" % n for n in range(20)]
        await tools.eventually(lambda: not len(main))
        task.cancel()
        await asyncio.wait([task])
        assert bridge.moved == 20

    asyncio.run(work())


def test_a_batch_on_its_way_stays_in_the_first_queue(tools: Any) -> None:
    async def work() -> None:
        main, action = MemoryQueue(), MemoryQueue(1)
        bridge = QueueBridge(main, Intake(action, QueueSettings(size=1)), QueueSettings())
        main.put([b"a", b"b", b"c"])
        task = asyncio.create_task(bridge.run())
        await tools.eventually(lambda: len(action) == 1)
        task.cancel()
        await asyncio.wait([task])
        assert take_all(main) == [b"a", b"b", b"c"]

    asyncio.run(work())


def test_what_the_second_queue_discards_is_gone_and_numbers_are_still_known(tools: Any) -> None:
    async def work() -> None:
        main, action = MemoryQueue(), MemoryQueue()
        settings = QueueSettings(size=100, discard_mark=1, discard_severity=5)
        bridge = QueueBridge(main, Intake(action, settings), QueueSettings())
        main.put([b"<0>a", b"<7>b", b"<0>c", b"<7>d", b"<0>e"])
        task = asyncio.create_task(bridge.run())
        await tools.eventually(lambda: not len(main))
        task.cancel()
        await asyncio.wait([task])
        lease = action.lease(9)
        assert lease.messages == [b"<0>a", b"<0>c", b"<0>e"]
        assert bridge.number_map.of(lease.numbers) == [1, 3, 5]

    asyncio.run(work())


def test_origins_of_numbers_from_before_a_restart_are_unknown() -> None:
    origins = NumberMap()
    origins.add(range(10, 15), 1)
    assert origins.of([9, 10, 14, 15]) == [1, 5]


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        ({}, {"queue": MemoryQueue}),
        ({"queue_type": "direct"}, {"queue": DirectQueue}),
        ({"queue_type": "Disk", "queue_filename": "a"}, {"queue": DiskQueue}),
        ({"queue_filename": "a"}, {"queue": DiskAssistedQueue}),
        ({"main_queue_type": "fixedarray", "queue_type": "direct"}, {"main": MemoryQueue}),
        (
            {"main_queue_type": "disk", "main_queue_filename": "m"},
            {"main": DiskQueue, "queue": MemoryQueue},
        ),
    ],
)
def test_queues_from_options(
    given: dict[str, str],
    kinds: dict[str, type],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)

    async def work() -> None:
        queues = open_queues(*all_queue_settings(options(**given)))
        registry = Registry()
        queues.register(registry)
        assert {name: type(queue) for name, queue in queues.queues.items()} == kinds
        moving = asyncio.create_task(queues.bridge.run()) if queues.bridge else None
        offering = asyncio.create_task(queues.intake.offer([b"hello"]))
        async with asyncio.timeout(20):
            while not queues.source.ready:  # noqa: ASYNC110
                await asyncio.sleep(0)
        drained = asyncio.create_task(queues.drained())
        await asyncio.sleep(0)
        assert not drained.done()
        assert take_all(queues.source) == [b"hello"]
        async with asyncio.timeout(20):
            assert (await offering).accepted == 1
            await drained
        if moving is not None:
            moving.cancel()
            await asyncio.wait([moving])
        text = {family.name: [s.value for s in family.samples] for family in registry.collect()}
        assert text["relpio_queue_messages"] == [0.0] * len(kinds)
        assert text["relpio_queue_accepted_total"] == [1.0]
        queues.close()

    asyncio.run(work())


@pytest.mark.parametrize("first", ["disk", "linkedList"])
def test_messages_of_the_other_type_are_not_overlooked(
    first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    second = "linkedList" if first == "disk" else "disk"
    queues = open_queues(*all_queue_settings(options(queue_type=first, queue_filename="q")))
    queues.close()
    with pytest.raises(ConfigurationError, match="choose another filename"):
        open_queues(*all_queue_settings(options(queue_type=second, queue_filename="q")))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"queue_type": "disk"}, "queue: a queue of type disk needs a filename"),
        (
            {"queue_filename": "a", "main_queue_type": "disk", "main_queue_filename": "a"},
            "same directory",
        ),
        ({"main_queue_size": "5", "main_queue_discard_mark": "6"}, "main queue: discard_mark"),
    ],
)
def test_options_that_do_not_fit_together(given: dict[str, str], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        all_queue_settings(options(**given))


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("queue_type", "disc"),
        ("queue_sync_queue_files", "maybe"),
        ("queue_discard_severity", "9"),
        ("queue_timeout_enqueue", "soon"),
    ],
)
def test_wrong_values_of_options(field: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        options(**{field: text})


def test_values_of_options() -> None:
    made = queue_options.queue_settings(
        options(
            queue_discard_severity="info",
            queue_timeout_enqueue="0",
            queue_max_file_size="1m",
            queue_dequeue_slow_down="5ms",
            queue_sync_queue_files="on",
        )
    )
    assert (made.discard_severity, made.timeout_enqueue, made.max_file_size) == (6, 0.0, 1024**2)
    assert (made.dequeue_slow_down, made.sync_queue_files) == (0.005, True)
    assert made.timeout_shutdown == 5.0
    names: Callable[[str], bool] = lambda name: name.startswith(("queue-", "main-queue-"))  # noqa: E731
    assert all(names(option.name) for option in queue_options.OPTIONS)
