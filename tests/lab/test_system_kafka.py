"""Real brokers and clients of Kafka: who asks for keepalive, what a killed broker keeps."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from halfopen.api import OpenLab
from halfopen.model.history import History
from halfopen.model.sockets import TcpSocket
from halfopen.products.kafka.class_archive import make_class_archive
from halfopen.products.kafka.releases import RELEASES, Release, java
from halfopen.pytest_plugin import LabMaker
from tests.lab.scenarios import halfopen

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

KAFKA_2096 = (
    Path(__file__).parents[2] / "scenarios" / "incidents" / "kafka-2096.scenario.yaml"
).read_text()
KILLED = """\
scenario: a broker is killed
scale: 1
hosts:
  producer: { run: kafka produce, to: broker }
  firewall: { profile: fortigate }
  broker: { run: kafka broker }
path: [producer, firewall, broker]
steps:
  - send: 500 messages
    every: 2 ms
    background: true
  - wait until: 40 acked
  - fault: restart
    at: broker
    how: kill
  - send: 100 messages
  - wait until: 600 acked
  - wait until: 600 delivered
expect:
  - delivery: { lost: 0, corrupted: 0 }
"""


def _open(make: LabMaker, release: Release, **producer: Any) -> OpenLab:
    lab = make(scale=1)
    lab.path("producer", lab.middlebox("firewall", "fortigate"), "broker")
    lab.run("broker", "kafka broker", release=release)
    lab.run("producer", "kafka produce", to="broker", release=release, **producer)
    return lab


def _connected(lab: OpenLab, host: str) -> list[TcpSocket]:
    """Connections of a host with the other, in the last sample in which they were all at rest."""
    lab.settle()
    # On a busy machine a host is looked at less often.
    return _samples(lab.wait_until(lambda h: bool(_samples(h, host)), timeout=60), host)[-1]


def _samples(history: History, host: str) -> list[list[TcpSocket]]:
    """The samples in which a host had connections with the other, without all that is its own.

    Only where none of them had data under way: the kernel shows one timer a socket, and that of
    a retransmission hides that of keepalive (net/ipv4/inet_diag.c, ``inet_sk_diag_fill``).
    """
    samples = [
        [
            socket
            for socket in sockets
            if socket.connected and socket.local.split(":")[0] != socket.peer.split(":")[0]
        ]
        for _, sockets in history.sockets(host)
    ]
    return [
        each
        for each in samples
        if each
        and "127.0.0.1" not in each[0].local
        and all(socket.timer in ("off", "keepalive") for socket in each)
    ]


@pytest.mark.parametrize("release", RELEASES)
def test_only_the_fixed_broker_asks_for_keepalive(halfopen_lab: LabMaker, release: Release) -> None:
    lab = _open(halfopen_lab, release, keepalive="on")
    lab.send("producer", 20)
    timers = {each.timer for each in _connected(lab, "broker")}
    assert timers == ({"off"} if release == "0.8.2" else {"keepalive"})
    # That a timer is seen where there is one, on the same connection:
    assert {each.timer for each in _connected(lab, "producer")} == {"keepalive"}
    assert lab.check("delivery", lost=0, corrupted=0, duplicated=0).verdict == "pass"


def test_a_broker_that_is_killed_has_what_it_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "killed.scenario.yaml"
    path.write_text(KILLED)
    done = halfopen("run", path, "--out", tmp_path / "out", cwd=tmp_path, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_incident_fails_where_nobody_cures_it(tmp_path: Path) -> None:
    """Without its short sysctls the fixed broker keeps no flow known."""
    begin = KAFKA_2096.index("variants:")
    fixed = KAFKA_2096[KAFKA_2096.index("  fixed-broker:") :].split("\n\n")[0]
    (cure,) = [line for line in fixed.splitlines() if "tcp_keepalive_time: 15 min" in line]
    path = tmp_path / "sick.scenario.yaml"
    path.write_text(KAFKA_2096[:begin] + "variants:\n" + fixed.replace(cure, "") + "\n")
    done = halfopen("run", path, "--out", tmp_path / "out", cwd=tmp_path, timeout=200)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "flows in use that expired: count 2 instead of 0" in done.stdout


def test_without_its_jars_a_run_is_unsupported(tmp_path: Path) -> None:
    path = tmp_path / "kafka.scenario.yaml"
    path.write_text(KAFKA_2096)
    done = halfopen(
        *("run", path, "--variant", "old-broker", "--out", tmp_path / "out"),
        cwd=tmp_path,
        env={"XDG_CACHE_HOME": str(tmp_path)},
    )
    assert done.returncode == 3, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert (
        "kafka broker on broker is not supported here: the jars of Kafka 0.8.2 are missing" in said
    )
    assert "python -m halfopen.products.kafka" in said


def test_a_current_broker_finds_its_classes_in_the_archive() -> None:
    """`make kafka` has made it; the JVM says itself where it found a class."""
    archive = make_class_archive()
    command = java("current", "kafka.Kafka", heap=64)
    assert f"-XX:SharedArchiveFile={archive}" in command
    command.insert(command.index("-cp"), "-Xlog:class+load:stdout")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "kafka.Kafka$ source: shared objects file (top)" in done.stdout
    assert "USAGE" in done.stderr + done.stdout  # it was told nothing
