"""The system `kafka produce`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from halfopen.fields import Endpoint, Timer
from halfopen.model.topology import endpoint
from halfopen.optional import CONFLUENT_KAFKA
from halfopen.ports import Feed, ProgramSpec, Ready, System, SystemContext
from halfopen.products.kafka.configuration import TOPIC
from halfopen.products.kafka.releases import IMAGE, Release
from halfopen.systems._kafka import (
    LIBRDKAFKA,
    LIBRDKAFKA_HOURLY_S,
    PORT,
    STARTS_S,
    Answer,
    Interval,
    milliseconds,
)

# Without an answer of its API to a question for versions, librdkafka believes what it is told.
_SPEAKS_OLD = {"api.version.request": "false", "broker.version.fallback": "0.8.2.2"}
# librdkafka looks for idle connections once a second or so (rdkafka_broker.c).
_LOOKS_S = 1.0


class KafkaProduce(System):
    """Kafka producer that uses librdkafka, fed with messages on its standard input.

    The defaults are librdkafka's own (CONFIGURATION.md).

    Attributes:
        to: the broker's host.
        port: the broker's TCP port.
        release: of the broker; one of 0.8 cannot be asked which versions it speaks.
        keepalive: `socket.keepalive.enable`; it has no timers of its own, those of the host's
            sysctls hold.
        socket_timeout: `socket.timeout.ms`: how long an answer may take before the connection is
            given up.
        metadata_refresh: `topic.metadata.refresh.interval.ms`: how often it asks for the topics,
            over any one of its connections.  With several brokers most connections hear nothing of
            it; with one broker it keeps the only connection busy, unless it is off.
        connections_max_idle: `connections.max.idle.ms`: after which it closes an idle connection
            itself.
    """

    name = "kafka produce"
    summary = "Kafka producer that uses librdkafka, fed with messages on its standard input"
    role = "sender"
    product = LIBRDKAFKA
    hourly_s = LIBRDKAFKA_HOURLY_S
    image = IMAGE

    to: Endpoint
    port: int = Field(default=PORT, ge=1, le=65535)
    release: Release = "current"
    keepalive: Literal["on", "off"] = "off"
    socket_timeout: Answer = 60.0
    metadata_refresh: Interval = 300.0
    connections_max_idle: Interval = None

    def timers(self) -> Sequence[Timer]:
        """The durations that decide verdicts."""
        timers = [Timer("socket timeout", self.socket_timeout, "answer")]
        if self.metadata_refresh is not None:
            timers.append(Timer("metadata refresh", self.metadata_refresh, "silence", _LOOKS_S))
        if self.connections_max_idle is not None:
            timers.append(
                Timer("connections max idle", self.connections_max_idle, "silence", _LOOKS_S)
            )
        return timers

    def missing(self) -> Sequence[str]:
        """What this machine lacks, each with its remedy."""
        return CONFLUENT_KAFKA.missing()

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        ledger = str(Path(context.directory) / "ledger")
        settings = {
            "socket.keepalive.enable": "true" if self.keepalive == "on" else "false",
            "socket.timeout.ms": milliseconds(self.socket_timeout, "60000"),
            "topic.metadata.refresh.interval.ms": milliseconds(self.metadata_refresh, "-1"),
            "connections.max.idle.ms": milliseconds(self.connections_max_idle, "0"),
            # An attempt to connect takes real time, that no scale divides.
            "reconnect.backoff.max.ms": "1000",
            **(_SPEAKS_OLD if self.release == "0.8.2" else {}),
        }
        argv = [sys.executable, "-m", "halfopen.guests.kafka_produce", "--ledger", ledger]
        argv += ["--to", endpoint(context.addresses[self.to], self.port), "--topic", TOPIC]
        for key, value in settings.items():
            argv += ["--set", f"{key}={value}"]
        return ProgramSpec(
            name="kafka-produce",
            argv=tuple(argv),
            env={},
            ready=Ready(event="ready"),
            feed=Feed(),
            ledger=ledger,
            acks=True,
            starts_within=STARTS_S,
        )
