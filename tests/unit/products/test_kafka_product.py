"""Kafka: its jars, its brokers' configuration, its clients' arguments and ledger."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from halfopen.errors import UnsupportedError
from halfopen.guests.kafka_produce import Sender, settings
from halfopen.ports import ProgramSpec, SystemContext
from halfopen.products.kafka import configuration, releases
from halfopen.products.kafka.class_archive import make_class_archive
from halfopen.products.kafka.releases import (
    RELEASES,
    class_archive,
    fetch,
    jars,
    java,
    missing_java,
    pom,
    version,
)
from halfopen.scenario.scaling import scale_section
from halfopen.systems import all_systems

FAKE_MAVEN = """\
#!/bin/sh
for each in "$@"; do
    case $each in -DoutputDirectory=*) into=${each#*=} ;; esac
done
echo "$@" >>"$CALLS"
mkdir -p "$into" && : >"$into/kafka_2.11-0.8.2.2.jar"
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a program in Maven's place; returns the file to which it may write its calls."""

    def make(text: str) -> Path:
        program = tmp_path / "bin" / "mvn"
        program.parent.mkdir()
        program.write_text(text)
        program.chmod(0o755)
        monkeypatch.setenv("PATH", os.pathsep.join([str(program.parent), os.environ["PATH"]]))
        monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
        return tmp_path / "calls"

    return make


def test_jars_are_fetched_once(cache: Path, maven: Callable[[str], Path]) -> None:
    calls = maven(FAKE_MAVEN)
    assert version("0.8.2") is None
    where = fetch("0.8.2")
    assert where == jars("0.8.2") and where.is_relative_to(cache)
    assert version("0.8.2") == "0.8.2.2"
    assert fetch("0.8.2") == where
    assert len(calls.read_text().splitlines()) == 1
    assert str(pom("0.8.2")) in calls.read_text()


def test_a_maven_that_fails_leaves_nothing_and_is_quoted(
    cache: Path, maven: Callable[[str], Path]
) -> None:
    maven(FAKE_MAVEN + "echo no route to host; exit 1\n")
    with pytest.raises(UnsupportedError, match="no route to host"):
        fetch("0.8.2")
    assert not jars("0.8.2").exists()
    assert list(jars("0.8.2").parent.iterdir()) == []


def test_what_is_missing_is_said_with_its_remedy(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    no_java, no_jars = missing_java("current")
    assert "default-jre-headless" in no_java
    assert "python -m halfopen.products.kafka" in no_jars and "maven" in no_jars
    with pytest.raises(UnsupportedError, match="install the package maven"):
        fetch("current")


def test_a_broker_that_does_not_start_leaves_no_archive_and_is_quoted(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars("current").mkdir(parents=True)
    program = tmp_path / "java"
    program.write_text("#!/bin/sh\necho no memory for a heap >&2; exit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), os.environ["PATH"]]))
    assert not any("SharedArchiveFile" in word for word in java("current", "Main", heap=64))
    with pytest.raises(UnsupportedError, match="no memory for a heap"):
        make_class_archive()
    assert list(cache.rglob("*.jsa")) == [] and list(jars("current").parent.iterdir()) == [
        jars("current")
    ]
    archive = class_archive("current")
    assert archive is not None
    archive.touch()
    assert f"-XX:SharedArchiveFile={archive}" in java("current", "Main", heap=64)
    assert make_class_archive() == archive  # it is there
    # Another JVM has another.
    os.utime(program, (1, 1))
    assert class_archive("current") != archive
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert class_archive("current") is None


def test_changed_contents_are_another_directory(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = jars("current")
    changed = tmp_path / "pom.xml"
    changed.write_text(pom("current").read_text().replace("4.", "5."))
    monkeypatch.setattr(releases, "pom", lambda _: changed)
    assert jars("current") != before


@pytest.mark.parametrize("release", RELEASES)
def test_every_release_has_a_pom_with_fixed_versions(release: releases.Release) -> None:
    names = {"m": "http://maven.apache.org/POM/4.0.0"}
    project = ElementTree.parse(pom(release)).getroot()
    found = project.findall("./m:dependencies/m:dependency", names)
    assert found
    for each in found:
        text = each.findtext("m:version", namespaces=names) or ""
        assert text[:1].isdigit() and text[-1:].isdigit()
    assert not project.findall(".//m:repository", names)  # the user's own settings say where


def _properties(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_idle_connections_are_closed_when_it_is_said_or_never() -> None:
    assert configuration.idle_limit(600) == "600000"
    assert configuration.idle_limit(0.0001) == "1"
    assert int(configuration.idle_limit(None)) > 24 * 86_400_000


def test_a_current_broker_is_formatted_as_the_node_that_it_is() -> None:
    broker = _properties(configuration.current_broker("198.18.0.2", 9092, "/log", None))
    formatted = _properties(configuration.formatted())
    assert formatted["node.id"] == broker["node.id"]
    assert broker["controller.quorum.voters"].startswith(f"{broker['node.id']}@127.0.0.1:")
    assert "PLAINTEXT://198.18.0.2:9092" in broker["listeners"]
    over_ipv6 = _properties(configuration.current_broker("fd00:2::2", 9092, "/log", None))
    assert over_ipv6["listeners"].startswith("PLAINTEXT://[fd00:2::2]:9092,")
    # org.apache.kafka.common.Uuid: 16 bytes in base64 without padding.
    assert all(len(formatted[key]) == 22 for key in ("cluster.id", "directory.id"))


def test_an_old_broker_and_its_zookeeper_agree() -> None:
    broker = _properties(configuration.old_broker("198.18.0.2", 9092, "/log", 600))
    keeper = _properties(configuration.zookeeper("/zookeeper"))
    assert broker["zookeeper.connect"] == f"127.0.0.1:{keeper['clientPort']}"
    # ZooKeeper grants a session 20 ticks at most (its administrator's guide, maxSessionTimeout).
    assert int(broker["zookeeper.session.timeout.ms"]) <= 20 * int(keeper["tickTime"])


def _programs(system: str, tmp_path: Path, scale: float, **options: Any) -> list[ProgramSpec]:
    spec = all_systems()[system]
    context = SystemContext(
        host="here",
        address="198.18.0.2",
        addresses={"broker": "198.18.0.2"},
        directory=str(tmp_path),
        seed=0,
    )
    scaled, _ = scale_section(spec.model_validate(options), scale)
    return list(scaled.programs(context))


def test_the_subject_of_a_broker_is_the_broker(tmp_path: Path) -> None:
    current = [each.name for each in _programs("kafka broker", tmp_path, 1)]
    assert current == ["kafka-reader", "kafka-broker"]
    old = _programs("kafka broker", tmp_path, 1, release="0.8.2")
    assert [each.name for each in old] == ["kafka-reader", "zookeeper", "kafka-broker"]
    assert "broker.version.fallback=0.8.2.2" in old[0].argv
    assert "broker.version.fallback=0.8.2.2" not in _programs("kafka broker", tmp_path, 1)[0].argv


def test_a_producer_waits_for_answers_in_real_time(tmp_path: Path) -> None:
    """What goes by the clock is divided; an answer of a busy JVM takes what it takes."""
    (program,) = _programs(
        "kafka produce",
        tmp_path,
        600,
        **{"to": "broker", "connections max idle": "3 min", "socket timeout": "60 s"},
    )
    found = settings([a for a in program.argv if "=" in a])
    assert found["socket.timeout.ms"] == "3000"
    assert found["connections.max.idle.ms"] == "300"
    assert found["topic.metadata.refresh.interval.ms"] == "500"
    assert found["socket.keepalive.enable"] == "false"


def test_off_is_what_librdkafka_calls_off(tmp_path: Path) -> None:
    (program,) = _programs(
        "kafka produce",
        tmp_path,
        1,
        **{"to": "broker", "metadata refresh": "off", "keepalive": "on"},
    )
    found = settings([a for a in program.argv if "=" in a])
    assert found["topic.metadata.refresh.interval.ms"] == "-1"
    assert found["connections.max.idle.ms"] == "0"
    assert found["socket.keepalive.enable"] == "true"


def test_java_producers_are_told_what_is_asked(tmp_path: Path) -> None:
    (scala,) = _programs("kafka scala produce", tmp_path, 1, to="broker", acks=1)
    assert "--request-required-acks 1 --request-timeout-ms 1500" in " ".join(scala.argv)
    (java,) = _programs(
        "kafka java produce", tmp_path, 1, **{"to": "broker", "connections max idle": "3 min"}
    )
    assert "connections.max.idle.ms=180000" in java.argv
    assert "--metadata-expiry-ms 300000" in " ".join(java.argv)


class _Client:
    """librdkafka's producer, with a queue for two messages."""

    def __init__(self) -> None:
        self.queue: list[tuple[bytes, Callable[..., None]]] = []
        self.polls = 0

    def produce(
        self, topic: str, value: bytes, partition: int, on_delivery: Callable[..., None]
    ) -> None:
        if len(self.queue) == 2:
            raise BufferError("Local: Queue full")
        self.queue.append((value, on_delivery))

    def poll(self, timeout: float) -> None:
        self.polls += 1
        value, report = self.queue.pop(0)
        report(_Failure() if value == b"bad" else None, None)


class _Failure:
    def str(self) -> str:
        return "Local: Message timed out"


def test_the_ledger_says_what_the_broker_has(capsys: pytest.CaptureFixture[str]) -> None:
    client, ledger = _Client(), io.StringIO()
    sender = Sender(client, "topic", ledger)  # type: ignore[arg-type]
    for line in (b"one", b"bad", b"three"):
        sender.send(line)
    while client.queue:
        client.poll(0)
    assert ledger.getvalue().splitlines() == [
        "accepted 1",
        "accepted 2",
        "acked 1",  # it had to go before there was room for the third
        "accepted 3",
        "acked 3",
    ]
    assert '"failed", "number": 2, "reason": "Local: Message timed out"' in capsys.readouterr().err
