"""Every type of queue against a list: put, commit, lease, ack, nack, crash, reopen."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from relpio import LocalProtocolError
from relpio.queue import positions
from relpio.queue.assisted import DiskAssistedQueue
from relpio.queue.base import MessageQueue
from relpio.queue.disk import DiskQueue
from relpio.queue.make import make_queue
from relpio.queue.settings import QueueSettings, QueueType

SIZE = 12
EXAMPLES = 1000 if os.environ.get("HALFOPEN_SOAK") else 30


@pytest.fixture(autouse=True)
def short_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the other file's turn comes often."""
    monkeypatch.setattr(positions, "LENGTH", 512)


class AnyQueue(RuleBasedStateMachine):
    """The model keeps each number's message, and whether it is in flight.

    Messages are given numbers by the queue (a restart may skip some), so the model is told the
    first number of each batch by `last`; from then on everything is foreseen.
    """

    kind: ClassVar[QueueType]
    name: ClassVar[str | None] = None
    sync: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="relpio-queue-"))
        self.settings = QueueSettings(
            type=self.kind,
            spool_directory=self.directory,
            filename=self.name,
            size=SIZE,
            high_watermark=6,
            low_watermark=3,
            max_file_size=1024,
            sync_queue_files=self.sync,
        )
        self.events: list[str] = []
        self.messages: dict[int, bytes] = {}
        self.in_flight: set[int] = set()
        self.queue = self.open()

    def log(self, event: str, /, **fields: object) -> None:
        self.events.append(event)

    def open(self) -> MessageQueue:
        return make_queue(self.settings, self.log)

    @rule(
        messages=st.lists(
            st.binary(max_size=9) | st.integers(1, 900).map(lambda size: b"x" * size), max_size=9
        )
    )
    def put(self, messages: list[bytes]) -> None:
        room = SIZE - len(self.messages)
        count = self.queue.put(messages)
        first = self.queue.last - count + 1
        if count:
            assert first > max(self.messages, default=0)
        self.messages.update(enumerate(messages[:count], first))
        assert count == len(messages) or (count == max(0, room) and not self.unlimited())

    def unlimited(self) -> bool:
        return isinstance(self.queue, DiskAssistedQueue)

    @precondition(lambda self: self.kind is not QueueType.DIRECT)
    @rule()
    def commit(self) -> None:
        asyncio.run(self.queue.commit())

    @rule(limit=st.integers(0, 9))
    def lease(self, limit: int) -> None:
        # Fewer than asked for may come; but in order, and none only when there are none.
        due = sorted(set(self.messages) - self.in_flight)
        numbers, messages = self.queue.lease(limit)
        assert list(numbers) == due[: len(numbers)]
        assert list(messages) == [self.messages[number] for number in numbers]
        assert len(numbers) <= limit and (numbers or not due or not limit)
        self.in_flight |= set(numbers)

    @rule(data=st.data())
    def ack(self, data: st.DataObject) -> None:
        numbers = self.some_in_flight(data)
        self.queue.ack(numbers)
        for number in numbers:
            del self.messages[number]
        self.in_flight -= set(numbers)

    @rule()
    def ack_all(self) -> None:
        self.queue.ack(sorted(self.in_flight))
        for number in self.in_flight:
            del self.messages[number]
        self.in_flight.clear()

    @rule(data=st.data())
    def nack(self, data: st.DataObject) -> None:
        numbers = self.some_in_flight(data)
        self.queue.nack(numbers)
        self.in_flight -= set(numbers)

    @rule(number=st.integers(-1, 40))
    def ack_or_nack_what_is_not_in_flight(self, number: int) -> None:
        if number not in self.in_flight:
            for act in (self.queue.ack, self.queue.nack):
                with pytest.raises(LocalProtocolError, match="is not in flight"):
                    act([number])

    @precondition(lambda self: self.name is not None)
    @rule()
    def reopen(self) -> None:
        self.queue.close()
        self.queue = self.open()
        self.in_flight.clear()

    @precondition(lambda self: self.name is not None)
    @rule()
    def crash(self) -> None:
        """What the files hold at this instant is all that the next process gets."""
        before = self.directory
        self.directory = Path(tempfile.mkdtemp(prefix="relpio-queue-"))
        shutil.rmtree(self.directory)
        shutil.copytree(before, self.directory)
        old = self.queue
        if isinstance(old, DiskAssistedQueue):
            for number, _ in old.memory.items():
                del self.messages[number]
        old.close()
        shutil.rmtree(before)
        self.settings = QueueSettings(
            **{**self.settings.__dict__, "spool_directory": self.directory}
        )
        self.queue = self.open()
        self.in_flight.clear()

    @invariant()
    def counts_agree(self) -> None:
        assert len(self.queue) == len(self.messages)
        assert self.queue.ready == len(self.messages) - len(self.in_flight)
        if isinstance(self.queue, DiskQueue):
            assert not self.queue.damage
        assert "queue-damage" not in self.events

    def some_in_flight(self, data: st.DataObject) -> list[int]:
        if not self.in_flight:
            return []
        return data.draw(st.lists(st.sampled_from(sorted(self.in_flight)), unique=True))

    def teardown(self) -> None:
        """Everything comes out in the end, in order."""
        out: list[bytes] = []
        self.queue.nack(sorted(self.in_flight))
        while len(self.queue):
            lease = self.queue.lease(5)
            assert lease.numbers
            out += lease.messages
            self.queue.ack(lease.numbers)
        assert out == [message for _, message in sorted(self.messages.items())]
        self.queue.close()
        shutil.rmtree(self.directory)


class Direct(AnyQueue):
    kind = QueueType.DIRECT


class FixedArray(AnyQueue):
    kind = QueueType.FIXED_ARRAY


class LinkedList(AnyQueue):
    kind = QueueType.LINKED_LIST


class Disk(AnyQueue):
    kind = QueueType.DISK
    name = "q"


class SyncedDisk(AnyQueue):
    kind = QueueType.DISK
    name = "q"
    sync = True


class DiskAssisted(AnyQueue):
    kind = QueueType.LINKED_LIST
    name = "q"


for machine in (Direct, FixedArray, LinkedList, Disk, SyncedDisk, DiskAssisted):
    machine.TestCase.settings = hypothesis_settings(
        max_examples=EXAMPLES, stateful_step_count=40, deadline=None
    )

TestDirect = Direct.TestCase
TestFixedArray = FixedArray.TestCase
TestLinkedList = LinkedList.TestCase
TestDisk = Disk.TestCase
TestSyncedDisk = SyncedDisk.TestCase
TestDiskAssisted = DiskAssisted.TestCase
