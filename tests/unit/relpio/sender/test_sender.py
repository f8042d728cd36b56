"""The sender beyond one session: workers, pace, the end, figures and settings."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relpio import (
    ClientSettings,
    ConfigurationError,
    MemoryQueue,
    Sender,
    SenderSettings,
    ServerConnection,
)
from relpio.metrics.registry import Registry
from relpio.queue.settings import QueueSettings

from ..doubles import QUICK, Events, numbered, run
from .peer import AT_A, Server, sending

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools


def test_workers_share_a_queue_and_each_has_its_session(tools: type[Tools]) -> None:
    async def main() -> None:
        held = list[ServerConnection]()
        server, log = Server(lambda core, _: held.append(core)), Events()
        policy = QueueSettings(
            size=1000, worker_threads=3, worker_thread_minimum_messages=10,
            timeout_worker_thread_shutdown=0.2,
        )  # fmt: skip
        queue = MemoryQueue(1000)
        async with (
            server.at() as target,
            sending(
                target, log=log, dequeue=policy, queue=queue, session=ClientSettings(window=4)
            ) as sender,
        ):
            await sender.put(numbered(100))
            await tools.eventually(lambda: server.now == 3 and len(held) == 12)
            assert sender.unacknowledged == 12  # the window of each, and no more
            server.answer = None
            server.cut()  # all that was in flight must come again
            await sender.drain()
            assert sorted(server.messages) == sorted(numbered(100))
            assert sender.resent == 12
            await tools.eventually(lambda: sender.sessions == 1)  # the others had nothing to do
        assert {event["worker"] for event in log.of("session-open")} >= {1, 2, 3}

    run(main)


def test_batches_pauses_and_least_sizes(tools: type[Tools]) -> None:
    async def main() -> None:
        server = Server()
        policy = QueueSettings(
            size=100, dequeue_batch_size=5, min_dequeue_batch_size=4, timeout_min_batch=0.2,
            dequeue_slow_down=0.02,
        )  # fmt: skip
        loop = asyncio.get_running_loop()
        async with server.at() as target, sending(target, dequeue=policy) as sender:
            await tools.eventually(lambda: sender.sessions == 1)
            start = loop.time()
            await sender.put(numbered(2))
            await sender.drain()
            assert loop.time() - start >= 0.15  # too few, so it waited for more
            start = loop.time()
            await sender.put(numbered(20))
            await sender.drain()
            assert loop.time() - start >= 3 * 0.02  # four batches, a pause after each
        assert server.messages == numbered(2) + numbered(20)

    run(main)


def test_closing_waits_for_answers_to_what_was_sent(tools: type[Tools]) -> None:
    async def main() -> None:
        held = list[ServerConnection]()
        server, log = Server(lambda core, _: held.append(core)), Events()
        queue = MemoryQueue(100)
        async with server.at() as target:
            session = ClientSettings(window=3)
            sender = sending(target, log=log, queue=queue, session=session)
            async with sender:
                await sender.put(numbered(10))
                await tools.eventually(lambda: len(held) == 3)
                closing = asyncio.create_task(sender.close(20.0))
                await asyncio.sleep(0)
                held[0].acknowledge(3)
                for writer in server._writers:
                    writer.write(held[0].data_to_send())
                await closing
        assert sender.acked == 3
        assert queue.ready == 7  # nothing new was sent
        assert [event["detail"] for event in log.of("session-closed")] == ["closed in order"]

    run(main)


def test_figures_are_registered() -> None:
    async def main() -> None:
        server, registry = Server(), Registry()
        async with server.at() as target, sending(target) as sender:
            sender.register(registry)
            await sender.put(numbered(3))
            await sender.drain()
            figures = {family.name: family.samples[0].value for family in registry.collect()}
        assert figures["relpio_sender_acks_total"] == 3
        assert figures["relpio_sender_sessions"] == 1

    run(main)


def test_what_is_put_goes_by_the_marks_of_the_queue() -> None:
    async def main() -> None:
        dequeue = QueueSettings(
            size=10, discard_mark=2, discard_severity=5,
            full_delay_mark=0, light_delay_mark=0, timeout_enqueue=0.0,
        )  # fmt: skip
        settings = SenderSettings(targets=AT_A, backoff=QUICK, dequeue=dequeue)
        async with Sender(settings, queue=MemoryQueue(10)) as sender:
            await sender.put([b"<14>info", b"<14>info"])
            offered = await sender.put([b"<14>dropped", b"<11>error"])
            assert (offered.accepted, offered.discarded) == (1, [0])
            assert sender.accepted == 3

    asyncio.run(main())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"targets": []}, "at least one target"),
        ({"targets": AT_A, "nack_retries": 1}, "dead letters"),
        (
            {"targets": AT_A, "nack_retries": -1, "dead_letters": Path("x")},
            "below 0",
        ),
        ({"targets": AT_A, "rebind_interval": 0}, "at least 1"),
        ({"targets": AT_A, "fail_back": 0.0}, "above 0"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        SenderSettings(**settings)
