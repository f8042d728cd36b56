"""`kafka produce`: a producer by librdkafka, fed with messages on its standard input."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from halfopen.fields import Section, Timer
from halfopen.model.topology import endpoint
from halfopen.ports import Feed, ProgramSpec, Ready, SystemContext, SystemSpec
from halfopen.products.kafka.configuration import TOPIC
from halfopen.products.kafka.releases import IMAGE, Release, missing_client
from halfopen.systems._kafka import LIBRDKAFKA, PORT, STARTS_S, Answer, Interval, milliseconds

# Without an answer of its API to a question for versions, librdkafka believes what it is told.
_SPEAKS_OLD = {"api.version.request": "false", "broker.version.fallback": "0.8.2.2"}
# librdkafka looks for idle connections once a second or so (rdkafka_broker.c).
_LOOKS_S = 1.0


class Options(Section):
    """What a scenario can set, with librdkafka's own defaults (CONFIGURATION.md).

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

    to: str
    port: int = Field(default=PORT, ge=1, le=65535)
    release: Release = "current"
    keepalive: Literal["on", "off"] = "off"
    socket_timeout: Answer = 60.0
    metadata_refresh: Interval = 300.0
    connections_max_idle: Interval = None


def _timers(options: Options) -> Sequence[Timer]:
    timers = [Timer("socket timeout", options.socket_timeout, "answer")]
    if options.metadata_refresh is not None:
        timers.append(Timer("metadata refresh", options.metadata_refresh, "silence", _LOOKS_S))
    if options.connections_max_idle is not None:
        timers.append(
            Timer("connections max idle", options.connections_max_idle, "silence", _LOOKS_S)
        )
    return timers


def _program(options: Options, context: SystemContext) -> ProgramSpec:
    ledger = str(Path(context.directory) / "ledger")
    settings = {
        "socket.keepalive.enable": "true" if options.keepalive == "on" else "false",
        "socket.timeout.ms": milliseconds(options.socket_timeout, "60000"),
        "topic.metadata.refresh.interval.ms": milliseconds(options.metadata_refresh, "-1"),
        "connections.max.idle.ms": milliseconds(options.connections_max_idle, "0"),
        # An attempt to connect takes real time, that no scale divides.
        "reconnect.backoff.max.ms": "1000",
        **(_SPEAKS_OLD if options.release == "0.8.2" else {}),
    }
    argv = [sys.executable, "-m", "halfopen.products.kafka.produce", "--ledger", ledger]
    argv += ["--to", endpoint(context.addresses[options.to], options.port), "--topic", TOPIC]
    for key, value in settings.items():
        argv += ["--set", f"{key}={value}"]
    return ProgramSpec(
        name="kafka-produce",
        argv=tuple(argv),
        env={},
        ready=Ready(event="ready"),
        feed=Feed(),
        ledger=ledger,
        starts_within=STARTS_S,
    )


SYSTEM = SystemSpec(
    name="kafka produce",
    summary="Kafka producer by librdkafka, fed with messages on its standard input",
    role="sender",
    options=Options,
    program=_program,
    hosts=lambda options: (options.to,),
    timers=_timers,
    missing=lambda _: missing_client(),
    product=LIBRDKAFKA,
    image=IMAGE,
)
