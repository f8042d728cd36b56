"""What a session has in flight, against a dict."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from relpio.sender.inflight import InFlight


class InFlightModel(RuleBasedStateMachine):
    """The model keeps number and message of each transaction number."""

    def __init__(self) -> None:
        super().__init__()
        self.in_flight = InFlight()
        self.model: dict[int, tuple[int, bytes]] = {}
        self.txnr = 2
        self.number = 10

    @rule(count=st.integers(1, 5), scattered=st.booleans(), gap=st.integers(0, 1))
    def add(self, count: int, scattered: bool, gap: int) -> None:
        first = self.number + gap
        numbers = range(first, first + count * (1 + scattered), 1 + scattered)
        messages = [b"%d" % number for number in numbers]
        self.in_flight.add(self.txnr, list(numbers) if scattered else numbers, messages)
        pairs = zip(numbers, messages, strict=True)
        self.model.update(enumerate(pairs, self.txnr))
        self.txnr += count
        self.number = numbers[-1] + 1

    @precondition(lambda self: self.model)
    @rule(count=st.integers(1, 8))
    def take_the_oldest(self, count: int) -> None:
        self.take(min(self.model), count)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), count=st.integers(1, 3))
    def take_any(self, data: st.DataObject, count: int) -> None:
        self.take(data.draw(st.sampled_from(sorted(self.model))), count)

    def take(self, first: int, count: int) -> None:
        count = next((at for at in range(count) if first + at not in self.model), count)
        due = [self.model.pop(first + at)[0] for at in range(count)]
        assert list(self.in_flight.take(first, count)) == due

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        txnr = data.draw(st.sampled_from(sorted(self.model)))
        self.in_flight.drop(self.model.pop(txnr)[0])

    @rule(txnr=st.integers(0, 40))
    def find(self, txnr: int) -> None:
        if txnr in self.model:
            assert self.in_flight.find(txnr) == self.model[txnr]
        else:
            with pytest.raises(KeyError):
                self.in_flight.find(txnr)

    @rule()
    def clear(self) -> None:
        assert self.in_flight.clear() == [number for number, _ in self.model.values()]
        self.model.clear()

    @invariant()
    def agree(self) -> None:
        assert bool(self.in_flight) == bool(self.model)
        oldest = self.model[min(self.model)] if self.model else None
        assert self.in_flight.oldest() == oldest


TestInFlight = InFlightModel.TestCase


def test_neighbours_are_a_range_however_they_were_sent() -> None:
    in_flight = InFlight()
    in_flight.add(2, range(7, 9), [b"a", b"b"])
    in_flight.add(4, range(9, 12), [b"c", b"d", b"e"])
    assert in_flight.take(2, 4) == range(7, 11)
    with pytest.raises(KeyError):
        in_flight.drop(7)
    in_flight.drop(11)
    assert not in_flight
