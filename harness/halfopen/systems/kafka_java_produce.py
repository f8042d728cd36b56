"""`kafka java produce`: the console producer of a current Kafka, by its Java client."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from halfopen.fields import Section, Timer
from halfopen.model.topology import endpoint
from halfopen.ports import Feed, ProgramSpec, SystemContext, SystemSpec
from halfopen.products.kafka.configuration import TOPIC, idle_limit
from halfopen.products.kafka.releases import IMAGE, java, missing_java
from halfopen.systems._kafka import CLIENT_HEAP_MIB, KAFKA, PORT, Answer, Interval, milliseconds


class Options(Section):
    """What a scenario can set, with the Java client's own defaults (producer configs).

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

    to: str
    port: int = Field(default=PORT, ge=1, le=65535)
    request_timeout: Answer = 30.0
    metadata_refresh: Interval = 300.0
    connections_max_idle: Interval = 540.0


def _timers(options: Options) -> Sequence[Timer]:
    timers = [Timer("request timeout", options.request_timeout, "answer")]
    for name, seconds in (
        ("metadata refresh", options.metadata_refresh),
        ("connections max idle", options.connections_max_idle),
    ):
        if seconds is not None:
            timers.append(Timer(name, seconds, "silence", late=0.5))
    return timers


def _program(options: Options, context: SystemContext) -> ProgramSpec:
    idle = idle_limit(options.connections_max_idle)
    argv = java(
        "current",
        "org.apache.kafka.tools.ConsoleProducer",
        *("--bootstrap-server", endpoint(context.addresses[options.to], options.port)),
        *("--topic", TOPIC),
        *("--request-required-acks", "-1"),  # the client's own default, which the tool changes
        *("--request-timeout-ms", milliseconds(options.request_timeout, "30000")),
        *("--metadata-expiry-ms", idle_limit(options.metadata_refresh)),
        *("--command-property", f"connections.max.idle.ms={idle}"),
        heap=CLIENT_HEAP_MIB,
        contained=context.contained,
        org__slf4j__simpleLogger__defaultLogLevel="warn",
    )
    return ProgramSpec(name="kafka-java-produce", argv=tuple(argv), env={}, feed=Feed())


SYSTEM = SystemSpec(
    name="kafka java produce",
    summary="the console producer of a current Kafka, by the Java client",
    role="sender",
    options=Options,
    program=_program,
    hosts=lambda options: (options.to,),
    timers=_timers,
    missing=lambda _: missing_java("current"),
    product=KAFKA,
    image=IMAGE,
)
