"""The model of the kernel's timers against the kernel that this runs on.

All connections live at the same time in one lab, and are measured once.  The bounds are the
model's; besides, only the time is allowed for that a program takes to be run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from halfopen.advice.probe_connections import Peers, ProbeConnection, ProbeListener
from halfopen.kernel import (
    HZS,
    Keepalive,
    Stack,
    TimeRange,
    busy_detection,
    detection,
    probe_period,
    zero_window_detection,
)
from halfopen.kernel.timers import machine_hz
from halfopen.labs.netns.lab import NetnsLab
from halfopen.model.history import Record
from halfopen.model.topology import lay_out
from halfopen.profiles import MiddleboxValues
from halfopen.verbs import ForgetFlows

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

SCHEDULING_S = 0.3
"""What the machine may take to run a program that the kernel has woken."""

HEALTHY_S = 8.5
"""How long the probes of healthy connections are watched."""

LEFT, RIGHT = "left", "right"
RETRIES2 = {LEFT: 3, RIGHT: 5}
SILENT = MiddleboxValues(idle_timeout=1000.0).model_dump(mode="json")
KA = Keepalive
PEER_PROBES = 7001

# Watched while the peer answers.
HEALTHY = [
    ProbeConnection("period 2/5", KA(2, 5, 9)),
    ProbeConnection("period 3/2", KA(3, 2, 9)),
    ProbeConnection("period 3/2, peer 1/1", KA(3, 2, 9), port=PEER_PROBES),
]
# Watched after the way was cut; nothing is under way.
IDLE = [
    ProbeConnection("idle 1/1/1", KA(1, 1, 1)),
    ProbeConnection("idle 3/2/3", KA(3, 2, 3)),
    ProbeConnection("idle 3/2/9 user 4.5", KA(3, 2, 9), 4500),
    ProbeConnection("idle 3/2/9 user 1", KA(3, 2, 9), 1000),
    ProbeConnection("idle 3/2/2 user 12", KA(3, 2, 2), 12_000),
    ProbeConnection("idle 5/1/3 user 7.2", KA(5, 1, 3), 7200),
]
# An byte is sent after the way was cut.
BUSY = [
    ProbeConnection("busy", say=(1,)),
    ProbeConnection("busy with keepalive 1/1/1", KA(1, 1, 1), say=(1,)),
    ProbeConnection("busy user 5", user_timeout_ms=5000, say=(1,)),
    ProbeConnection("busy user 15", user_timeout_ms=15_000, say=(1,)),
    ProbeConnection("busy user 2, keepalive 1/1/9", KA(1, 1, 9), 2000, say=(1,)),
]
# The other side reads nothing: its window is closed from the beginning.
DEAF = 7002
CLOSED = ProbeConnection("closed window", port=DEAF, fill=True)
CLOSED_USER = ProbeConnection("closed window user 4", user_timeout_ms=4000, port=DEAF, fill=True)
# Has the sysctls of a short keepalive, and does not ask for it.
NOT_ASKED = ProbeConnection("sysctls alone")
SHORT_SYSCTLS = {
    "net.ipv4.tcp_keepalive_time": "1",
    "net.ipv4.tcp_keepalive_intvl": "1",
    "net.ipv4.tcp_keepalive_probes": "1",
}


async def measure(directory: Path) -> dict[tuple[str, str, str], list[Mapping[str, Any]]]:
    records: list[Record] = []
    path = (LEFT, "firewall", RIGHT)
    networks = lay_out(path)
    sysctls = {host: {"net.ipv4.tcp_retries2": str(retries)} for host, retries in RETRIES2.items()}
    sysctls[LEFT] |= SHORT_SYSCTLS
    connections = {LEFT: [*HEALTHY, *IDLE, *BUSY, CLOSED, CLOSED_USER, NOT_ASKED], RIGHT: [*BUSY]}
    async with NetnsLab(directory, "0", records.append) as lab:
        await lab.build([path], networks, {"firewall": SILENT}, sysctls, {})
        peers = Peers(lab, records)
        for host in (LEFT, RIGHT):
            await peers.listen(
                host,
                ProbeListener(),
                ProbeListener(PEER_PROBES, KA(1, 1, 9)),
                ProbeListener(DEAF, deaf=True),
            )
        await peers.connect(LEFT, networks[RIGHT].address, connections[LEFT])
        await peers.connect(RIGHT, networks[LEFT].address, connections[RIGHT])
        await asyncio.sleep(HEALTHY_S)
        await lab.apply(ForgetFlows("firewall"))
        await peers.cue(LEFT)
        await peers.cue(RIGHT)
        await peers.ended(LEFT, [each.name for each in (*IDLE, *BUSY, CLOSED)], 30.0)
        await peers.ended(RIGHT, [each.name for each in BUSY], 30.0)
        return {
            (host, each.name, event): peers.events(host, each.name, event)
            for host in (LEFT, RIGHT)
            for each in connections[host]
            for event in ("heard", "ended", "echo")
        }


@pytest.fixture(scope="module")
def seen(
    netns: None, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str, str], list[Mapping[str, Any]]]:
    return asyncio.run(measure(tmp_path_factory.mktemp("timers")))


Seen = dict[tuple[str, str, str], list[Mapping[str, Any]]]


def within(seconds: float, bounds: TimeRange) -> bool:
    """Never early, and late only by what the program may have waited for the processor."""
    # TCP_INFO counts in ticks, and looks are some milliseconds apart.
    return bounds.earliest - 0.05 <= seconds <= bounds.latest + SCHEDULING_S


@pytest.mark.xdist_group("kernel-timers")
@pytest.mark.parametrize("name", [each.name for each in HEALTHY])
def test_probes_of_a_healthy_connection(seen: Seen, name: str) -> None:
    (connection,) = (each for each in HEALTHY if each.name == name)
    assert connection.keepalive is not None
    bounds = probe_period(connection.keepalive, machine_hz())
    # The first comes after the idle time alone; what follows, in the period.
    periods = [event["silent"] for event in seen[LEFT, name, "heard"]]
    assert len(periods) >= 2
    assert within(periods[0], TimeRange(connection.keepalive.idle, bounds.latest))
    assert all(within(each, bounds) for each in periods[1:]), (periods, bounds)


@pytest.mark.xdist_group("kernel-timers")
@pytest.mark.parametrize("name", [each.name for each in IDLE])
def test_a_dead_peer_of_an_idle_connection(seen: Seen, name: str) -> None:
    (connection,) = (each for each in IDLE if each.name == name)
    assert connection.keepalive is not None
    (end,) = seen[LEFT, name, "ended"]
    patience = connection.user_timeout_ms / 1000 or None
    bounds = detection(connection.keepalive, patience, machine_hz())
    assert end["errno"] == "ETIMEDOUT"
    assert within(end["silent"], bounds), (end, bounds)


@pytest.mark.xdist_group("kernel-timers")
@pytest.mark.parametrize("host", [LEFT, RIGHT])
@pytest.mark.parametrize("name", [each.name for each in BUSY])
def test_a_dead_peer_with_data_under_way(seen: Seen, host: str, name: str) -> None:
    """Keepalive has no say in it: with and without, the bounds are the same."""
    (connection,) = (each for each in BUSY if each.name == name)
    (end,) = seen[host, name, "ended"]
    patience = connection.user_timeout_ms / 1000 or None
    bounds = busy_detection(patience, Stack(RETRIES2[host], machine_hz(), end["rtt"]))
    assert end["errno"] == "ETIMEDOUT"
    assert within(end["after"], bounds), (end, bounds)


@pytest.mark.xdist_group("kernel-timers")
def test_a_dead_peer_with_a_closed_window(seen: Seen) -> None:
    """While it answers probes it may keep its window closed forever; then retries2 counts."""
    (end,) = seen[LEFT, CLOSED.name, "ended"]
    assert end["errno"] == "ETIMEDOUT"
    assert end["after"] > HEALTHY_S
    bounds = zero_window_detection(None, Stack(RETRIES2[LEFT], machine_hz(), end["rtt"]))
    assert within(end["silent"], bounds), (end, bounds)


@pytest.mark.xdist_group("kernel-timers")
def test_a_user_timeout_ends_a_closed_window_though_the_peer_answers(seen: Seen) -> None:
    (end,) = seen[LEFT, CLOSED_USER.name, "ended"]
    assert end["errno"] == "ETIMEDOUT"
    assert end["after"] < HEALTHY_S
    # Counted from the first probe, and that comes a little after the window closed.
    bounds = zero_window_detection(4.0, Stack(RETRIES2[LEFT], machine_hz()))
    assert 4.0 <= end["after"] <= bounds.latest + SCHEDULING_S, (end, bounds)


@pytest.mark.xdist_group("kernel-timers")
def test_sysctls_do_nothing_for_who_does_not_ask(seen: Seen) -> None:
    """Keepalive of 1/1/1 by sysctl, no SO_KEEPALIVE: not a probe, and nobody finds out."""
    assert not seen[LEFT, NOT_ASKED.name, "heard"]
    assert not seen[LEFT, NOT_ASKED.name, "ended"]


def test_ticks_a_second_are_those_of_a_kernel() -> None:
    assert machine_hz() in HZS
