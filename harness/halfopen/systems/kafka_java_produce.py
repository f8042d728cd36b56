"""The system `kafka java produce`."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from halfopen.fields import Endpoint, Timer
from halfopen.model.topology import endpoint
from halfopen.ports import Feed, ProgramSpec, System, SystemContext
from halfopen.products.kafka.configuration import TOPIC, idle_limit
from halfopen.products.kafka.releases import IMAGE, java, missing_java
from halfopen.systems._kafka import (
    CLIENT_HEAP_MIB,
    JVM_HOURLY_S,
    KAFKA,
    PORT,
    Answer,
    Interval,
    milliseconds,
)


class KafkaJavaProduce(System):
    """Console producer of a current Kafka, with its Java client.

    The defaults are the Java client's own (producer configs).

    It asks for keepalive on its connections (org.apache.kafka.common.network.Selector) with the
    timers of the host's sysctls.

    Attributes:
        to: the broker's host.
        port: the broker's TCP port.
        request_timeout: `request.timeout.ms`: how long an answer may take before the connection is
            given up.
        metadata_refresh: `metadata.max.age.ms`: how often it asks for the topics, over any one of
            its connections.
        connections_max_idle: `connections.max.idle.ms`: after which it closes an idle connection.
    """

    name = "kafka java produce"
    summary = "the console producer of a current Kafka, with the Java client"
    role = "sender"
    product = KAFKA
    hourly_s = JVM_HOURLY_S
    image = IMAGE

    to: Endpoint
    port: int = Field(default=PORT, ge=1, le=65535)
    request_timeout: Answer = 30.0
    metadata_refresh: Interval = 300.0
    connections_max_idle: Interval = 540.0

    def timers(self) -> Sequence[Timer]:
        """The durations that decide verdicts."""
        timers = [Timer("request timeout", self.request_timeout, "answer")]
        for name, seconds in (
            ("metadata refresh", self.metadata_refresh),
            ("connections max idle", self.connections_max_idle),
        ):
            if seconds is not None:
                timers.append(Timer(name, seconds, "silence", late=0.5))
        return timers

    def missing(self) -> Sequence[str]:
        """What this machine lacks, each with its remedy."""
        return missing_java("current")

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        idle = idle_limit(self.connections_max_idle)
        argv = java(
            "current",
            "org.apache.kafka.tools.ConsoleProducer",
            *("--bootstrap-server", endpoint(context.addresses[self.to], self.port)),
            *("--topic", TOPIC),
            *("--request-required-acks", "-1"),  # the client's own default, which the tool changes
            *("--request-timeout-ms", milliseconds(self.request_timeout, "30000")),
            *("--metadata-expiry-ms", idle_limit(self.metadata_refresh)),
            *("--command-property", f"connections.max.idle.ms={idle}"),
            heap=CLIENT_HEAP_MIB,
            contained=context.contained,
            org__slf4j__simpleLogger__defaultLogLevel="warn",
        )
        return ProgramSpec(name="kafka-java-produce", argv=tuple(argv), env={}, feed=Feed())
