"""Which connections no sample shows, from samples and the ends of sockets."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from halfopen.labs.agent.connections import UnsampledConnections
from halfopen.probes.ended import EndedSocket
from halfopen.probes.sockets import SeenSocket

LOCAL, PEER = "10.0.1.1:40001", "10.0.2.2:2514"


def seen(
    cookie: int, state: str = "ESTABLISHED", local: str = LOCAL, peer: str = PEER
) -> SeenSocket:
    record = {"local": local, "peer": "" if state == "LISTEN" else peer, "state": state}
    return SeenSocket(record, (), 0, "tcp", bytes([cookie]))  # type: ignore[arg-type]


def ended(
    cookie: int, connected: bool | None = True, local: str = LOCAL, peer: str = PEER
) -> EndedSocket:
    return EndedSocket(bytes([cookie]), local, peer, connected)


def missed(connections: UnsampledConnections) -> list[list[str]]:
    record = connections.record()
    return [] if record is None else record["connections"]


def test_a_connection_that_was_sampled_is_not_missed() -> None:
    connections = UnsampledConnections("sender")
    assert connections.empty()["connections"] == []
    connections.sampled([seen(1)])
    connections.sampled([seen(1, "FIN_WAIT2")])
    connections.ended([ended(1)])
    assert connections.record() is None


def test_a_connection_between_two_samples_is_missed_once() -> None:
    connections = UnsampledConnections("sender")
    connections.sampled([])
    connections.ended([ended(1), ended(2)])
    assert missed(connections) == [[LOCAL, PEER]] * 2
    assert connections.record() is None


def test_one_that_samples_show_only_as_it_ends_is_missed_once() -> None:
    connections = UnsampledConnections("sender")
    for state in ("SYN_SENT", "FIN_WAIT1", "FIN_WAIT2"):
        connections.sampled([seen(1, state)])
    connections.sampled([seen(9, "TIME_WAIT")])
    connections.ended([ended(1)])
    assert missed(connections) == [[LOCAL, PEER]]


def test_ports_that_were_used_again_between_two_samples_are_two_connections() -> None:
    connections = UnsampledConnections("sender")
    connections.sampled([seen(1)])
    connections.sampled([seen(2)])
    connections.sampled([seen(2)])
    connections.ended([ended(1), ended(2)])
    assert missed(connections) == [[LOCAL, PEER]]


def test_what_was_refused_listened_or_stayed_on_the_host_is_no_connection() -> None:
    connections = UnsampledConnections("sender", lambda: 1)
    connections.sampled([seen(1, "LISTEN", "0.0.0.0:2514")])
    connections.ended([ended(2, False), ended(1, None)])
    connections.ended([ended(3, True, "127.0.0.1:5", "127.0.0.1:6")])
    assert connections.record() is None


def test_a_reset_that_leaves_no_trace_is_known_by_the_port_that_listens() -> None:
    connections = UnsampledConnections("receiver")
    connections.sampled([seen(1, "LISTEN", "[::]:2514")])
    connections.ended([ended(2, False, PEER, LOCAL)])
    assert missed(connections) == [[PEER, LOCAL]]


def test_what_the_kernel_does_not_tell_is_perhaps_a_connection() -> None:
    connections = UnsampledConnections("sender", lambda: 0)
    connections.sampled([seen(1)])
    connections.ended([ended(1, None), ended(2, None)])
    record = connections.record()
    assert record is not None
    assert (record["connections"], record.get("perhaps")) == ([], 1)
    assert connections.record(lost=True) == {**connections.empty(), "lost": True}


def test_failed_attempts_that_the_kernel_counts_are_no_connections() -> None:
    failed = 0
    connections = UnsampledConnections("sender", lambda: failed)
    failed = 1
    connections.ended([ended(1, None)])
    assert connections.record() is None
    failed = 2  # this one is explained by its own end
    connections.ended([ended(2, False), ended(3, None)])
    record = connections.record()
    assert record is not None
    assert record.get("perhaps") == 1
    failed = 3
    connections.ended([ended(4, None)])
    assert connections.record() is None


def test_what_is_left_of_a_closed_socket_is_not_another_one() -> None:
    connections = UnsampledConnections("sender")
    connections.sampled([seen(1)])
    connections.ended([ended(1)])
    left = seen(2, "FIN_WAIT2")
    left.record["timer"] = "timewait"
    connections.sampled([left])
    assert connections.record() is None


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), max_size=60))
def test_each_connection_is_counted_once_however_samples_and_ends_fall(
    moves: list[tuple[int, bool, bool]],
) -> None:
    """Sockets on four ports open and close; some are sampled, and ends are read sooner or later."""
    connections = UnsampledConnections("sender")
    opened, shown = 0, Counter[str]()
    here: dict[str, int] = {}
    before: set[str] = set()
    waiting: list[EndedSocket] = []
    for port, sample, read in moves:
        local = f"10.0.1.1:{port}"
        if local in here:
            waiting.append(ended(here.pop(local), local=local))
        else:
            opened += 1
            here[local] = opened
        if read:
            connections.ended(waiting)
            waiting = []
        if sample:
            connections.sampled([seen(cookie, local=name) for name, cookie in here.items()])
            shown.update(here.keys() - before)  # what a reader of samples counts
            before = set(here)
    connections.ended([*waiting, *(ended(cookie, local=name) for name, cookie in here.items())])
    assert shown.total() + len(missed(connections)) == opened
