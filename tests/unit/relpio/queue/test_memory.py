"""The queue against a model of it."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from relpio import ConfigurationError, LocalProtocolError, MemoryQueue

MAX_MESSAGES, MAX_OCTETS = 12, 40


class QueueModel(RuleBasedStateMachine):
    """The model keeps, of each number, the message and whether it is in flight."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = MemoryQueue(MAX_MESSAGES, MAX_OCTETS)
        self.messages: dict[int, bytes] = {}
        self.in_flight: set[int] = set()
        self.last = 0

    @rule(messages=st.lists(st.binary(max_size=12), max_size=8))
    def put(self, messages: list[bytes]) -> None:
        count = self.queue.put(messages)
        for message in messages[:count]:
            self.last += 1
            self.messages[self.last] = message
        if count < len(messages):  # only for want of room
            octets = self.queue.octets + len(messages[count])
            assert len(self.messages) == MAX_MESSAGES or octets > MAX_OCTETS

    @rule(limit=st.integers(0, 9))
    def lease(self, limit: int) -> None:
        due = sorted(set(self.messages) - self.in_flight)[:limit]
        numbers, messages = self.queue.lease(limit)
        assert list(numbers) == due
        assert list(messages) == [self.messages[number] for number in due]
        self.in_flight |= set(due)

    @rule(data=st.data())
    def ack(self, data: st.DataObject) -> None:
        numbers = self.some_in_flight(data)
        self.queue.ack(numbers)
        for number in numbers:
            del self.messages[number]
        self.in_flight -= set(numbers)

    @rule(data=st.data())
    def nack(self, data: st.DataObject) -> None:
        numbers = self.some_in_flight(data)
        self.queue.nack(numbers)
        self.in_flight -= set(numbers)

    @rule()
    def nack_all(self) -> None:
        self.queue.nack(self.in_flight)
        self.in_flight.clear()

    @rule(number=st.integers(-1, 60))
    def ack_or_nack_what_is_not_in_flight(self, number: int) -> None:
        if number not in self.in_flight:
            for act in (self.queue.ack, self.queue.nack):
                with pytest.raises(LocalProtocolError, match="is not in flight"):
                    act([number])

    @invariant()
    def counts_agree(self) -> None:
        assert len(self.queue) == len(self.messages) <= MAX_MESSAGES
        assert self.queue.in_flight == len(self.in_flight)
        assert self.queue.ready == len(self.messages) - len(self.in_flight)
        assert self.queue.octets == sum(map(len, self.messages.values())) <= MAX_OCTETS

    def some_in_flight(self, data: st.DataObject) -> list[int]:
        if not self.in_flight:
            return []
        return data.draw(st.lists(st.sampled_from(sorted(self.in_flight)), unique=True))


TestQueue = QueueModel.TestCase


def test_a_message_above_the_octet_limit_goes_alone() -> None:
    queue = MemoryQueue(10, 5)
    assert queue.put([b"too long", b"a"]) == 1
    assert queue.put([b"a"]) == 0
    queue.ack(queue.lease(1).numbers)
    assert queue.put([b"a", b"too long"]) == 1


@pytest.mark.parametrize("limits", [(0, 1), (1, 0)])
def test_limits_are_checked(limits: tuple[int, int]) -> None:
    with pytest.raises(ConfigurationError):
        MemoryQueue(*limits)


def test_what_comes_back_goes_out_in_its_first_order() -> None:
    queue = MemoryQueue()
    queue.put([b"1", b"2", b"3", b"4", b"5"])
    queue.lease(4)
    queue.nack([4, 2])
    queue.nack([1, 3])
    assert queue.lease(9).messages == [b"1", b"2", b"3", b"4", b"5"]
