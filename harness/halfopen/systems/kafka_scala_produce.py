"""`kafka scala produce`: the console producer of Kafka 0.8.2, by the Scala client of its time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from halfopen.fields import Section, Timer
from halfopen.model.topology import endpoint
from halfopen.ports import Feed, ProgramSpec, SystemContext, SystemSpec
from halfopen.products.kafka import configuration
from halfopen.products.kafka.releases import IMAGE, java, missing_java
from halfopen.systems._kafka import CLIENT_HEAP_MIB, KAFKA, PORT, Answer, milliseconds


class Options(Section):
    """What a scenario can set, with the program's own defaults.

    It asks for keepalive on its connection (kafka.network.BlockingChannel) with the timers of the
    host's sysctls, and has no timer that would speak while there is nothing to send.

    Attributes:
        to: the broker's host.
        port: the broker's TCP port.
        acks: `--request-required-acks`: 0: it takes what it has written for delivered; 1: it waits
            for the broker's answer.
        request_timeout: `--request-timeout-ms`: how long it waits for an answer.
        retries: `--message-send-max-retries`; what then is not delivered is lost.
    """

    to: str
    port: int = Field(default=PORT, ge=1, le=65535)
    acks: int = Field(default=0, ge=-1, le=1)
    request_timeout: Answer = 1.5
    retries: int = Field(default=3, ge=0, le=1000)


def _timers(options: Options) -> Sequence[Timer]:
    if options.acks == 0:
        return ()
    return (Timer("request timeout", options.request_timeout, "answer"),)


def _program(options: Options, context: SystemContext) -> ProgramSpec:
    log4j = Path(context.directory) / "log4j.properties"
    argv = java(
        "0.8.2",
        "kafka.tools.ConsoleProducer",
        *("--broker-list", endpoint(context.addresses[options.to], options.port)),
        *("--topic", configuration.TOPIC),
        *("--request-required-acks", str(options.acks)),
        *("--request-timeout-ms", milliseconds(options.request_timeout, "1500")),
        *("--message-send-max-retries", str(options.retries)),
        heap=CLIENT_HEAP_MIB,
        contained=context.contained,
        log4j__configuration=log4j.as_uri(),
    )
    return ProgramSpec(
        name="kafka-scala-produce",
        argv=tuple(argv),
        env={},
        feed=Feed(),
        files={str(log4j): configuration.log4j()},
    )


SYSTEM = SystemSpec(
    name="kafka scala produce",
    summary="the console producer of Kafka 0.8.2, which tells nobody what became of a message",
    role="sender",
    options=Options,
    program=_program,
    hosts=lambda options: (options.to,),
    timers=_timers,
    missing=lambda _: missing_java("0.8.2"),
    product=KAFKA,
    image=IMAGE,
)
