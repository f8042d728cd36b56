"""The system `kafka broker`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from halfopen.fields import Timer
from halfopen.model.topology import endpoint
from halfopen.optional import CONFLUENT_KAFKA
from halfopen.ports import ProgramSpec, Ready, System, SystemContext
from halfopen.products.kafka import configuration
from halfopen.products.kafka.releases import IMAGE, Release, java, missing_java
from halfopen.systems._kafka import BROKER_HOURLY_S, HEAP_MIB, KAFKA, PORT, STARTS_S, Interval

_ZOOKEEPER_HEAP_MIB = 64
# A broker looks for idle connections each time that its selector returns, 300 ms at the latest
# (kafka.network.Processor.poll).
_LOOKS_S = 0.5


class KafkaBroker(System):
    """A broker of an old or a current release, alone in its cluster.

    Attributes:
        release: `0.8.2` (0.8.2.2 with ZooKeeper 3.4.6, which does not ask for keepalive on the
            connections that it accepts, KAFKA-2096) or `current` (KRaft, which does; the timers
            are those of the host's sysctls).
        port: TCP port to listen on.
        connections_max_idle: `connections.max.idle.ms`: after which the broker closes a connection
            on which nothing came.  Brokers before 0.8.2 had no such limit.
    """

    name = "kafka broker"
    summary = "Kafka broker 0.8.2 with ZooKeeper, or a current one, with a consumer beside it"
    role = "receiver"
    product = KAFKA
    hourly_s = BROKER_HOURLY_S
    image = IMAGE

    release: Release = "current"
    port: int = Field(default=PORT, ge=1, le=65535)
    connections_max_idle: Interval = 600.0

    def timers(self) -> Sequence[Timer]:
        """The durations that decide verdicts."""
        if self.connections_max_idle is None:
            return ()
        return (Timer("connections max idle", self.connections_max_idle, "silence", late=_LOOKS_S),)

    def missing(self) -> Sequence[str]:
        """What this machine lacks, each with its remedy."""
        return (*missing_java(self.release), *CONFLUENT_KAFKA.missing())

    def program(self, context: SystemContext) -> Sequence[ProgramSpec]:
        """How it is started."""
        directory = Path(context.directory)
        mark = str(directory / "topic-is-there")
        reader = ProgramSpec(
            name="kafka-reader",
            argv=(
                *(sys.executable, "-m", "halfopen.guests.kafka_consume"),
                *("--from", endpoint(context.address, self.port), "--topic", configuration.TOPIC),
                *("--output", str(directory / "messages"), "--mark", mark),
                *(["--set", "broker.version.fallback=0.8.2.2"] if self.release == "0.8.2" else []),
                *(["--set", "api.version.request=false"] if self.release == "0.8.2" else []),
            ),
            env={},
            output=str(directory / "messages"),
        )
        ready = Ready(listening=self.port, exists=mark)
        if self.release == "current":
            return (reader, _current(self, context, directory, ready))
        return (reader, _zookeeper(context, directory), _old(self, context, directory, ready))


def _current(
    options: KafkaBroker, context: SystemContext, directory: Path, ready: Ready
) -> ProgramSpec:
    settings, log = directory / "server.properties", directory / "log"
    text = configuration.current_broker(
        context.address, options.port, str(log), options.connections_max_idle
    )
    quiet = {"org__slf4j__simpleLogger__defaultLogLevel": "warn"}
    return ProgramSpec(
        name="kafka-broker",
        argv=_jvm("current", "kafka.Kafka", settings, context, HEAP_MIB, **quiet),
        env={},
        ready=ready,
        files={str(settings): text, str(log / "meta.properties"): configuration.formatted()},
        starts_within=STARTS_S,
    )


def _old(
    options: KafkaBroker, context: SystemContext, directory: Path, ready: Ready
) -> ProgramSpec:
    settings, log4j = directory / "server.properties", directory / "log4j.properties"
    text = configuration.old_broker(
        context.address, options.port, str(directory / "log"), options.connections_max_idle
    )
    quiet = {"log4j__configuration": log4j.as_uri()}
    return ProgramSpec(
        name="kafka-broker",
        argv=_jvm("0.8.2", "kafka.Kafka", settings, context, HEAP_MIB, **quiet),
        env={},
        ready=ready,
        files={str(settings): text, str(log4j): configuration.log4j()},
        starts_within=STARTS_S,
    )


def _jvm(
    release: Release,
    main: str,
    settings: Path,
    context: SystemContext,
    heap: int,
    **properties: str,
) -> tuple[str, ...]:
    """A class of a release, told its settings by a file."""
    argv = java(release, main, str(settings), heap=heap, contained=context.contained, **properties)
    return tuple(argv)


def _zookeeper(context: SystemContext, directory: Path) -> ProgramSpec:
    settings, log4j = directory / "zookeeper.properties", directory / "log4j.properties"
    argv = _jvm(
        "0.8.2",
        "org.apache.zookeeper.server.quorum.QuorumPeerMain",
        settings,
        context,
        _ZOOKEEPER_HEAP_MIB,
        log4j__configuration=log4j.as_uri(),
    )
    return ProgramSpec(
        name="zookeeper",
        argv=argv,
        env={},
        ready=Ready(listening=configuration.ZOOKEEPER_PORT),
        starts_within=STARTS_S,
        files={
            str(settings): configuration.zookeeper(str(directory / "zookeeper")),
            str(log4j): configuration.log4j(),
        },
    )
