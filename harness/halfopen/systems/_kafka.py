"""What the Kafka systems share: their port, and the types of their options."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from halfopen.fields import DURATION_SCHEMA, Scaled, read_duration
from halfopen.model.units import LONGEST
from halfopen.optional import CONFLUENT_KAFKA
from halfopen.ports import Product
from halfopen.products.kafka.releases import FETCH, RELEASES, version

PORT = 9092
HEAP_MIB = 256
CLIENT_HEAP_MIB = 128
STARTS_S = 120.0
"""A JVM needs a second or two of a core to start; others may want that core too."""

# Seconds that they compute in an hour in which nothing happens, in the warp lab (measured).
BROKER_HOURLY_S = 95.0  # with the consumer beside it
LIBRDKAFKA_HOURLY_S = 25.0
JVM_HOURLY_S = 7.0  # what any JVM needs that only sleeps; it wakes 25 times a second

_OFF = {"anyOf": [DURATION_SCHEMA, {"const": "off"}]}


def _off_or_duration(value: object) -> object:
    return None if value in ("off", False, None) else read_duration(value)


Interval = Annotated[
    float | None, BeforeValidator(_off_or_duration), Scaled(), WithJsonSchema(_OFF)
]
"""Seconds after which something is done, or `off` (None): never."""

Answer = Annotated[
    float,
    BeforeValidator(read_duration),
    Field(gt=0, le=LONGEST),
    Scaled(least=3.0),
    WithJsonSchema(DURATION_SCHEMA),
]
"""Seconds that a client waits for an answer.

A broker whose JVM has just started, on a machine that it shares, may take seconds for one.
"""


def milliseconds(seconds: float | None, off: str) -> str:
    """A number of seconds as Kafka's settings take it; `off` for None."""
    return off if seconds is None else str(max(1, round(seconds * 1000)))


def found() -> str | None:
    """The releases of Kafka that are here, None if there are none; for `halfopen doctor`."""
    versions = [each for each in map(version, RELEASES) if each is not None]
    return " and ".join(versions) or None


KAFKA = Product("Kafka", f"default-jre-headless maven, then `{FETCH}`", found)


def _client_version() -> str | None:
    if CONFLUENT_KAFKA.missing():
        return None
    from confluent_kafka import libversion

    return str(libversion()[0])


LIBRDKAFKA = Product("librdkafka", CONFLUENT_KAFKA.remedy, _client_version)
