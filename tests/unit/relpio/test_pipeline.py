"""The pipeline as a program of its own would use it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from relpio import Pipeline, QueueSettings, QueueType, SenderSettings, TcpAddress, open_queues
from relpio.inputs.base import Deliver, Flow
from relpio.sender.ledger import Ledger

from .doubles import QUICK, Events, Memory, numbered, receiving


class Listed:
    """An input that is a list."""

    name = "list"
    flow: Flow = "full"

    def __init__(self, messages: list[bytes]) -> None:
        self.messages = messages
        self.received = 0

    def close(self) -> None:
        """Nothing to let go of."""

    async def run(self, deliver: Deliver) -> None:
        for message in self.messages:
            self.received += 1
            await deliver([message])


def test_inputs_go_through_two_queues_to_a_server_and_the_ledger_knows(tmp_path: Path) -> None:
    async def main() -> None:
        output, log = Memory(), Events()
        async with receiving(output) as receiver:
            settings = SenderSettings(
                targets=[TcpAddress("127.0.0.1", receiver.address[1])], backoff=QUICK
            )
            memory = QueueSettings(type=QueueType.LINKED_LIST)
            queues, ledger = open_queues(memory, memory, log), Ledger(tmp_path / "ledger")
            inputs = [Listed(numbered(30))]
            pipeline = Pipeline(settings, queues, inputs, ledger=ledger, log=log)
            assert await pipeline.run(asyncio.Event()) is None
            assert pipeline.report() == 0
            ledger.close()
            queues.close()
        assert output.lines == numbered(30)
        assert ("done", {"accepted": 30, "acked": 30}) in log.records

    asyncio.run(main())
    lines = (tmp_path / "ledger").read_text().splitlines()
    assert lines[0] == "accepted 1"
    assert lines[-1].startswith("acked ") and lines[-1].endswith("30")


@pytest.mark.parametrize("kind", [QueueType.DIRECT, QueueType.LINKED_LIST])
def test_a_message_is_called_accepted_before_it_is_called_acked(
    kind: QueueType, tmp_path: Path
) -> None:
    """A direct queue accepts a message only when its answer is there."""

    async def main() -> None:
        async with receiving(Memory()) as receiver:
            settings = SenderSettings(
                targets=[TcpAddress("127.0.0.1", receiver.address[1])], backoff=QUICK
            )
            queues, ledger = open_queues(QueueSettings(type=kind)), Ledger(tmp_path / "ledger")
            pipeline = Pipeline(settings, queues, [Listed(numbered(20))], ledger=ledger)
            assert await pipeline.run(asyncio.Event()) is None
            ledger.close()
            queues.close()

    asyncio.run(main())
    said: dict[str, list[int]] = {"accepted": [], "acked": []}
    for line in (tmp_path / "ledger").read_text().splitlines():
        word, _, numbers = line.partition(" ")
        first, _, last = numbers.partition("-")
        said[word] += range(int(first), int(last or first) + 1)
        assert set(said["acked"]) <= set(said["accepted"]), line
    assert said == {"accepted": list(range(1, 21)), "acked": list(range(1, 21))}


def test_discards_that_last_until_the_end_are_summed_up() -> None:
    async def main() -> None:
        log = Events()
        parameters = QueueSettings(type=QueueType.LINKED_LIST, size=2, timeout_enqueue=0.01)
        queues = open_queues(parameters, log=log)
        await queues.intake.offer([b"1", b"2", b"3"])
        queues.close()
        assert log.names() == ["discard-begin", "discard-end"]
        assert log.of("discard-end") == [{"by_severity": 0, "full": 1}]

    asyncio.run(main())


def test_a_stop_ends_a_pipeline_without_a_server_and_says_what_is_missing() -> None:
    async def main() -> None:
        log, stop = Events(), asyncio.Event()
        settings = SenderSettings(targets=[TcpAddress("127.0.0.1", 1)], backoff=QUICK)
        queues = open_queues(QueueSettings(type=QueueType.LINKED_LIST, timeout_shutdown=0.1))
        pipeline = Pipeline(settings, queues, [Listed(numbered(3))], shutdown_timeout=0.2, log=log)
        running = asyncio.create_task(pipeline.run(stop))
        await asyncio.sleep(0.1)
        stop.set()
        async with asyncio.timeout(10):
            assert await running is None
        assert pipeline.report() == 3
        queues.close()

    asyncio.run(main())
