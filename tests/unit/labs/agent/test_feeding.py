"""Feeding a program that reads, and one that does not."""

import asyncio
from collections.abc import Sequence

import pytest

from halfopen.labs.agent import feeding
from halfopen.labs.agent.feeding import Batch, Feeder, until_stuck
from halfopen.model.history import expand
from halfopen.model.records import Record
from halfopen.workloads.numbered import Messages


class Gate:
    """Inlet that takes messages while it is open."""

    whole = False
    dies_with_program = True

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.got: list[bytes] = []

    async def write(self, messages: Sequence[bytes]) -> None:
        """Half of them, and the rest when it is open."""
        half = len(messages) // 2
        self.got += messages[:half]
        await self.open.wait()
        self.got += messages[half:]

    def close(self) -> None:
        """Nothing to do."""


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "NOT_READ_S", 0.05)


def sent(records: list[Record]) -> list[int]:
    return [n for each in records if each["kind"] == "sent" for n in expand(each["seqs"])]


def test_what_is_not_read_is_told_and_written_later() -> None:
    async def play() -> None:
        gate, records = Gate(), list[Record]()
        feeder = Feeder(gate, Messages("abcdefgh"), records.append)
        batch = Batch("sender", "relpio-send", first=1, count=250)
        task = asyncio.create_task(feeder.feed(batch))
        assert not await until_stuck(batch, task)
        assert str(batch) == (
            "relpio-send on sender does not read its input: 0 of 250 messages went in"
        )
        assert batch.record()["of"] == 250
        assert sent(records) == list(range(1, 101))  # not what waits behind these
        gate.open.set()
        assert await until_stuck(batch, task)
        assert batch.record()["taken"] == 250
        assert feeder.written == list(range(1, 251))

    asyncio.run(play())


def test_two_batches_do_not_mix() -> None:
    async def play() -> None:
        gate = Gate()
        feeder = Feeder(gate, Messages("abcdefgh"), list[Record]().append)
        batches = [Batch("sender", "cat", first=1, count=10), Batch("sender", "cat", 11, 10)]
        tasks = [asyncio.create_task(feeder.feed(each)) for each in batches]
        assert not await until_stuck(batches[1], tasks[1])
        gate.open.set()
        await asyncio.gather(*tasks)
        numbers = [int(each.split(b":")[2]) for each in gate.got]
        assert numbers == feeder.written == list(range(1, 21))

    asyncio.run(play())


def test_a_slow_pace_is_not_taken_for_a_stop() -> None:
    async def play() -> None:
        gate = Gate()
        gate.open.set()
        feeder = Feeder(gate, Messages("abcdefgh"), list[Record]().append)
        batch = Batch("sender", "cat", first=1, count=3, every=0.2)
        assert await until_stuck(batch, asyncio.create_task(feeder.feed(batch)))
        assert batch.taken == 3

    asyncio.run(play())
