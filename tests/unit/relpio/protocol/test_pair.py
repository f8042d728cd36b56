"""Both cores together, under a virtual clock, and with a queue that outlives its sessions."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from relpio import (
    Acknowledged,
    ClientSettings,
    ClientState,
    LossReason,
    MemoryQueue,
    Messages,
    Refused,
    ServerSettings,
    ServerState,
    SessionClosed,
    SessionLost,
)

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import ConnectionPair, Tools


def received(pair: ConnectionPair) -> list[bytes]:
    return [m for e in pair.server_events if isinstance(e, Messages) for m in e.messages]


def test_a_session_from_open_to_close(tools: type[Tools]) -> None:
    pair = tools.Pair()
    pair.client.send([b"a", b"b"], pair.now)
    pair.settle()
    assert pair.server_events == [Messages(2, [b"a", b"b"])]
    pair.server.acknowledge(2)
    pair.client.close(pair.now)
    pair.settle()
    assert pair.client_events == [Acknowledged(2, 2), SessionClosed()]
    assert pair.server_events[1:] == [SessionClosed()]
    assert pair.client.state is ClientState.CLOSED
    assert pair.server.state is ServerState.CLOSED


def test_a_server_that_shuts_down(tools: type[Tools]) -> None:
    pair = tools.Pair()
    pair.client.send([b"a"], pair.now)
    pair.to_server()
    pair.server.close()
    pair.settle()
    assert pair.client_events == []
    pair.server.cut()
    pair.settle()
    assert pair.client_events == [SessionLost(LossReason.SERVERCLOSE, "the server is closing", 1)]


def test_a_server_that_takes_too_long(tools: type[Tools]) -> None:
    pair = tools.Pair(ClientSettings(ack_timeout=10.0))
    pair.client.send([b"a"], pair.now)
    pair.settle()
    pair.advance(9.99)
    assert pair.client_events == []
    pair.advance(0.01)
    (event,) = pair.client_events
    assert isinstance(event, SessionLost)
    assert event.reason is LossReason.ACK_TIMEOUT


def test_timers_of_both_sides_run_on_one_clock(tools: type[Tools]) -> None:
    pair = tools.Pair(
        ClientSettings(open_timeout=5.0), ServerSettings(open_timeout=3.0), opened=False
    )
    pair.advance(4.0)
    pair.settle()
    (event,) = pair.server_events
    assert isinstance(event, SessionLost)
    assert event.reason is LossReason.OPEN_TIMEOUT


@given(st.integers(1, 6), st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=30))
def test_the_window_is_never_exceeded(
    tools: type[Tools], window: int, rounds: list[tuple[int, int]]
) -> None:
    pair, sent = tools.Pair(ClientSettings(window=window)), 0
    for wanted, answers in rounds:
        count = min(wanted, pair.client.capacity)
        pair.client.send([b"%d" % (sent + i) for i in range(count)], pair.now)
        sent += count
        pair.to_server()
        assert pair.server.unacknowledged <= window
        assert pair.client.unacknowledged <= window
        pair.server.acknowledge(min(answers, pair.server.unacknowledged))
        pair.to_client()
        assert pair.client.capacity == window - pair.server.unacknowledged
    assert received(pair) == [b"%d" % i for i in range(sent)]


class Delivery:
    """A sender in small: a queue, one session after the other, and a server that may refuse."""

    def __init__(self, tools: type[Tools], window: int, last_txnr: int, total: int) -> None:
        self.tools = tools
        self.settings = ClientSettings(window=window, last_txnr=last_txnr)
        self.queue = MemoryQueue(1000)
        self.queue.put([b"%d" % number for number in range(1, total + 1)])
        self.numbers: dict[int, int] = {}
        self.received: list[int] = []
        self.acked: set[int] = set()
        self.cuts = 0
        self.pair = tools.Pair(self.settings)

    def send(self) -> None:
        client = self.pair.client
        if room := client.capacity:
            lease = self.queue.lease(room)
            txnrs = client.send(lease.messages, self.pair.now)
            self.numbers.update(zip(txnrs, lease.numbers, strict=True))
        assert client.unacknowledged <= self.settings.window

    def arrive(self) -> None:
        self.pair.to_server()
        for event in self.pair.server_events:
            if isinstance(event, Messages):
                self.received += map(int, event.messages)
        self.pair.server_events.clear()

    def answer(self, count: int, refuse: bool) -> None:
        server = self.pair.server
        if server.state is ServerState.LOST:
            return
        if refuse and server.unacknowledged:
            server.refuse()
        server.acknowledge(min(count, server.unacknowledged))

    def hear(self) -> None:
        self.pair.to_client()
        for event in self.pair.client_events:
            if isinstance(event, Acknowledged):
                for txnr in range(event.first_txnr, event.first_txnr + event.count):
                    number = self.numbers.pop(txnr)
                    self.queue.ack([number])
                    assert number not in self.acked
                    self.acked.add(number)
            elif isinstance(event, Refused):
                self.queue.nack([self.numbers.pop(event.txnr)])
            elif isinstance(event, SessionClosed):
                assert not self.numbers
                self.pair = self.tools.Pair(self.settings)  # renewed
                break
        self.pair.client_events.clear()

    def cut(self, rng: random.Random) -> None:
        """Lose the connection, with any part of what is under way on either side."""
        data = self.pair.client.data_to_send()
        self.pair.server.receive_data(data[: rng.randint(0, len(data))] or b"0", self.pair.now)
        self.arrive()
        self.cuts += 1
        self.queue.nack(self.numbers.values())
        self.numbers.clear()
        self.pair = self.tools.Pair(self.settings)


@given(st.randoms(use_true_random=False), st.integers(1, 5), st.sampled_from([5, 9, 1000]))
def test_nothing_is_lost_and_little_repeated_whatever_is_cut(
    tools: type[Tools], rng: random.Random, window: int, last_txnr: int
) -> None:
    total, refusals = 30, 0
    delivery = Delivery(tools, window, last_txnr, total)
    for _ in range(40):
        refuse = rng.random() < 0.1
        refusals += refuse
        step = rng.choice([delivery.send, delivery.arrive, delivery.hear])
        step()
        delivery.answer(rng.randint(0, 3), refuse)
        if rng.random() < 0.1:
            delivery.cut(rng)
    rounds = 0
    while len(delivery.queue):
        delivery.send()
        delivery.arrive()
        delivery.answer(1000, False)
        delivery.hear()
        rounds += 1
        assert rounds < 200
    assert delivery.acked == set(range(1, total + 1))
    assert set(delivery.received) == delivery.acked
    assert len(delivery.received) <= total + delivery.cuts * window + refusals
    if not refusals:  # first arrivals are in order
        assert list(dict.fromkeys(delivery.received)) == list(range(1, total + 1))
