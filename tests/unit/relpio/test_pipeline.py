"""The pipeline as a program of its own would use it."""

from __future__ import annotations

import asyncio
from pathlib import Path

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
