"""Checks that bound the sum over several hosts (`sum over`)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from halfopen.checkers import all_checks
from halfopen.model.history import History
from halfopen.model.verdict import Verdict
from halfopen.ports import Finding

from .histories import LISTEN, Run, mine, theirs

BOTH = ["sender", "receiver"]


def judge(check: str, history: History, **params: object) -> Finding:
    return all_checks()[check].model_validate({"sum over": BOTH, **params}).judge(history)


def connected() -> Run:
    """The sender has two connections at 1 s, the receiver one of another peer at 2 s."""
    run = Run().unsampled().unsampled(host="receiver").both([], [])
    run.at(1).both([theirs(1), theirs(2)], []).at(2).both([], [mine(3)])
    return run.at(3).both([], [])


def descriptors() -> Run:
    run = Run().fds(2, host="sender").at(1).fds(3).at(2).fds(0, host="sender")
    return run.at(3).fds(1)


def spools() -> Run:
    run = Run()
    for t, host, octets in ((0, "sender", 10), (1, "receiver", 7), (2, "sender", 0)):
        run.at(t).add("spool", host=host, process="p", path="queue", bytes=octets)
    return run


def probes() -> Run:
    run = Run().add("keepalives", host="sender", sent=2).at(1)
    return run.add("keepalives", host="receiver", sent=4).add("keepalives", host="sender", sent=3)


def counters() -> Run:
    run = Run()
    for t, host, value in ((0, "sender", 5), (1, "receiver", 4), (2, "sender", 1)):
        told = {"name": "main Q", "origin": "core.queue", "values": {"size": value}}
        run.at(t).add("impstats", host=host, process="rsyslogd", **told)
    return run


def waiting() -> Run:
    """Nobody accepts one connection at either host; that of the sender goes."""
    run = Run()
    for t in range(4):
        ours = {**LISTEN, "local": "0.0.0.0:9"}
        held = {"local": "10.0.1.1:9", "peer": "10.0.2.2:7", "state": "ESTABLISHED", "pid": 0}
        run.at(t).sockets("sender", ours, *([held] if t < 2 else []))
        run.sockets("receiver", LISTEN, mine(pid=0))
    return run


def left() -> Run:
    """Either host believes in a connection that the other has not."""
    own = {"local": "10.0.1.1:9", "peer": "10.0.2.2:7", "state": "ESTABLISHED", "pid": 1}
    run = Run().both([], []).at(1).both([theirs(1), own], [mine(1)])
    return run.at(2).both([own], [mine(1)]).at(20).both([own], [mine(1)])


CASES: list[tuple[str, Callable[[], Run], dict[str, object], dict[str, object]]] = [
    ("connections", connected, {"opened": 3}, {"opened": 2}),
    ("connections", connected, {"peak": 2}, {"peak": 3}),
    ("fds", descriptors, {"at end": 1, "peak": 5}, {"peak": 3}),
    ("spool", spools, {"at end": 7, "peak": 17}, {"at end": 0}),
    ("keepalive probes", probes, {"count": 7}, {"count": 4}),
    ("counters", counters, {"of": "main Q", "counter": "size", "at end": 5, "peak": 9}, {}),
    ("accept queue", waiting, {"at end": 1, "peak": 2}, {"peak": 1}),
    ("half-open", left, {"at end": 2, "peak": 2}, {"at end": 1}),
]


@pytest.mark.parametrize(("check", "run", "holds", "fails"), CASES)
def test_the_figures_of_all_hosts_are_added(
    check: str, run: Callable[[], Run], holds: dict[str, object], fails: dict[str, object]
) -> None:
    found = judge(check, run().end(), **holds)
    assert found.verdict is Verdict.PASS, found.why
    if fails:
        assert judge(check, run().end(), **fails).verdict is Verdict.FAIL


@pytest.mark.parametrize(("check", "run", "holds", "_"), CASES)
def test_a_host_of_which_nothing_is_known_leaves_the_sum_unknown(
    check: str, run: Callable[[], Run], holds: dict[str, object], _: object
) -> None:
    found = judge(check, run().end(), **{"sum over": [*BOTH, "third"], **holds})
    assert (found.verdict, "third" in found.why) == (Verdict.UNKNOWN, True)


def test_one_that_never_connected_adds_nothing_if_another_did() -> None:
    run = Run().both([], []).sockets("third").at(1).both([theirs()], [mine()]).sockets("third")
    history = run.at(20).both([theirs()], [mine()]).sockets("third").end()
    over = {"sum over": ["receiver", "third"], "at end": 0}
    assert judge("half-open", history, **over).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"at end": 0}, "half-open needs a host; write `at`"),
        ({"at": "sender", "sum over": BOTH, "at end": 0}, "half-open has `at` and `sum over`"),
        ({"sum over": ["sender", "sender"], "at end": 0}, "each host is named once"),
        ({"sum over": [], "at end": 0}, "each host is named once"),
    ],
)
def test_one_host_or_a_sum(params: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        all_checks()["half-open"].model_validate(params)
