"""The system `kafka scala produce`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from halfopen.fields import Endpoint, Timer
from halfopen.model.topology import endpoint
from halfopen.ports import Feed, ProgramSpec, System, SystemContext
from halfopen.products.kafka import configuration
from halfopen.products.kafka.releases import IMAGE, java, missing_java
from halfopen.systems._kafka import CLIENT_HEAP_MIB, JVM_HOURLY_S, KAFKA, PORT, Answer, milliseconds


class KafkaScalaProduce(System):
    """Console producer of Kafka 0.8.2, with the Scala client of that release.

    The defaults are the program's own.

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

    name = "kafka scala produce"
    summary = "the console producer of Kafka 0.8.2, which does not report what became of a message"
    role = "sender"
    product = KAFKA
    hourly_s = JVM_HOURLY_S
    image = IMAGE

    to: Endpoint
    port: int = Field(default=PORT, ge=1, le=65535)
    acks: int = Field(default=0, ge=-1, le=1)
    request_timeout: Answer = 1.5
    retries: int = Field(default=3, ge=0, le=1000)

    def timers(self) -> Sequence[Timer]:
        """The durations that decide verdicts."""
        if self.acks == 0:
            return ()
        return (Timer("request timeout", self.request_timeout, "answer"),)

    def missing(self) -> Sequence[str]:
        """What this machine lacks, each with its remedy."""
        return missing_java("0.8.2")

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        log4j = Path(context.directory) / "log4j.properties"
        argv = java(
            "0.8.2",
            "kafka.tools.ConsoleProducer",
            *("--broker-list", endpoint(context.addresses[self.to], self.port)),
            *("--topic", configuration.TOPIC),
            *("--request-required-acks", str(self.acks)),
            *("--request-timeout-ms", milliseconds(self.request_timeout, "1500")),
            *("--message-send-max-retries", str(self.retries)),
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
