"""Runs of messages against a dict."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from relpio.queue import held
from relpio.queue.held import HeldMessages

MESSAGES = st.lists(st.binary(max_size=4), max_size=6)
NUMBERS = st.builds(
    lambda first, count: range(first, first + count), st.integers(1, 60), st.integers(1, 7)
)


@pytest.fixture(autouse=True)
def _compacted_early() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held, "_COMPACT_FROM", 2)
        yield


class HeldModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.held = HeldMessages()
        self.model: dict[int, bytes] = {}
        self.next = 1

    @rule(messages=MESSAGES, gap=st.sampled_from([0, 0, 0, 1, 5]))
    def append(self, messages: list[bytes], gap: int) -> None:
        self.next += gap
        self.held.append(self.next, messages)
        self.model.update(enumerate(messages, self.next))
        self.next += len(messages)

    @rule(numbers=NUMBERS)
    def read_or_remove_any(self, numbers: range) -> None:
        there = [self.model[number] for number in numbers if number in self.model]
        whole = len(there) == len(numbers)
        assert self.held.whole(numbers) == (there if whole else None)
        assert self.held.remove_whole(numbers) == whole
        if whole:
            for number in numbers:
                del self.model[number]

    @precondition(lambda self: self.model)
    @rule(count=st.integers(1, 5))
    def remove_the_oldest(self, count: int) -> None:
        first = min(self.model)
        numbers = range(first, first + count)
        whole = all(number in self.model for number in numbers)
        assert self.held.remove_whole(numbers) == whole
        if whole:
            for number in numbers:
                del self.model[number]

    @rule(count=st.integers(0, 4))
    def pop_newest(self, count: int) -> None:
        newest = range(self.next - count, self.next)
        if all(number in self.model for number in newest):
            assert self.held.pop_newest(count) == [self.model.pop(number) for number in newest]
            self.next -= count

    @rule(number=st.integers(-1, 60))
    def look(self, number: int) -> None:
        assert (number in self.held) == (number in self.model)
        if number in self.model:
            assert self.held[number] == self.model[number]
        else:
            with pytest.raises(KeyError):
                self.held[number]

    @invariant()
    def agree(self) -> None:
        assert list(self.held.items()) == list(self.model.items())
        assert len(self.held) == len(self.model)
        assert self.held.octets == sum(map(len, self.model.values()))
        assert self.held.oldest() == min(self.model, default=None)


TestHeld = HeldModel.TestCase


def test_what_was_removed_does_not_stay_in_memory() -> None:
    messages = HeldMessages()
    for first in range(1, 100_000, 10):
        messages.append(first, [b"x"] * 10)
        if first > 100:
            assert messages.remove_whole(range(first - 100, first - 90))
    (run,) = messages._runs
    assert len(run.items) < 1000
