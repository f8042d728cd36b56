"""The toxics of Toxiproxy, a fault each, with their attributes and toxicity.

What a toxic does and what its attributes mean is Toxiproxy's (README of Shopify/toxiproxy, section
Toxics; directory `toxics` of its source).  An active toxic is changed by the same fault with other
attributes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from halfopen.fields import (
    DURATION_SCHEMA,
    Bytes,
    Duration,
    Rate,
    Share,
    ToxiproxyHost,
    Unscaled,
    read_duration,
)
from halfopen.ports import Fault
from halfopen.verbs import EnableProxy, RemoveToxic, SetToxic, Verb
from halfopen.verbs.toxics import Stream, ToxicType

_Wait = Annotated[
    float,
    BeforeValidator(read_duration),
    Field(ge=0, le=3600),
    Unscaled(),
    WithJsonSchema(DURATION_SCHEMA),
]
"""Seconds of real time, as round trips take them: no scale divides it."""

_Size = Annotated[Bytes, Field(ge=1, le=1 << 31)]


class Toxic(Fault):
    """A toxic of Toxiproxy.

    Attributes:
        at: the host that runs Toxiproxy.
        stream: `upstream`, from the client to the server, `downstream`, or `both`.
        toxicity: share of the connections that it affects.
    """

    uses = (SetToxic, RemoveToxic)
    touches = ("packets",)
    kind: ClassVar[ToxicType]

    at: ToxiproxyHost
    stream: Literal["upstream", "downstream", "both"] = "downstream"
    toxicity: Share = 1.0

    @abstractmethod
    def attributes(self) -> Mapping[str, int]:
        """The toxic's attributes, in Toxiproxy's units."""
        raise NotImplementedError

    def verbs(self) -> Sequence[Verb]:
        """Set it on each stream."""
        attributes = self.attributes()
        return [
            SetToxic(self.at, self.kind, stream, self.toxicity, attributes)
            for stream in self._streams()
        ]

    def heal(self) -> Sequence[Verb]:
        """Remove it from each stream."""
        return [RemoveToxic(self.at, self.kind, stream) for stream in self._streams()]

    def _streams(self) -> Sequence[Stream]:
        return ("upstream", "downstream") if self.stream == "both" else (self.stream,)


class ToxicLatency(Toxic):
    """Toxiproxy delays all data.

    Attributes:
        latency: how long each piece of data waits; real time, whatever the scale.
        jitter: how much more or less, by chance.
    """

    name = "toxic latency"
    summary = "Toxiproxy delays all data, with jitter if wanted"
    kind = "latency"

    latency: _Wait
    jitter: _Wait = 0.0

    def attributes(self) -> Mapping[str, int]:
        """Milliseconds."""
        return {"latency": _milliseconds(self.latency), "jitter": _milliseconds(self.jitter)}


class ToxicBandwidth(Toxic):
    """Toxiproxy limits how much gets through per second.

    Attributes:
        rate: bytes per second that get through, in whole thousands (bandwidth.go: the unit of its
            rate is one byte per millisecond).
    """

    name = "toxic bandwidth"
    summary = "Toxiproxy limits throughput, in bytes per second"
    kind = "bandwidth"

    rate: Annotated[Rate, Field(ge=1000, multiple_of=1000)]

    def attributes(self) -> Mapping[str, int]:
        """Bytes per millisecond."""
        return {"rate": round(self.rate) // 1000}


class ToxicSlowClose(Toxic):
    """Toxiproxy delays the end of a connection.

    Attributes:
        delay: how long the end of a connection is held back.
    """

    name = "toxic slow close"
    summary = "Toxiproxy delays the end of a connection"
    kind = "slow_close"

    delay: Duration

    def attributes(self) -> Mapping[str, int]:
        """Milliseconds."""
        return {"delay": _milliseconds(self.delay)}


class ToxicTimeout(Toxic):
    """Toxiproxy discards all data, and closes the connection after a time, or never.

    Attributes:
        timeout: after which the connection is closed, too; 0 for never.
    """

    name = "toxic timeout"
    summary = "Toxiproxy discards all data, and closes the connection after a time, or never"
    kind = "timeout"

    timeout: Duration = 0.0

    def attributes(self) -> Mapping[str, int]:
        """Milliseconds."""
        return {"timeout": _milliseconds(self.timeout)}


class ToxicResetPeer(Toxic):
    """Toxiproxy resets a connection (RST) at its next data, or a time after it.

    Attributes:
        timeout: after the next data, until the connection is reset.
    """

    name = "toxic reset peer"
    summary = "Toxiproxy resets a connection (RST) at its next data, or a time after it"
    kind = "reset_peer"

    timeout: Duration = 0.0

    def attributes(self) -> Mapping[str, int]:
        """Milliseconds."""
        return {"timeout": _milliseconds(self.timeout)}


class ToxicSlicer(Toxic):
    """Toxiproxy cuts data into small pieces.

    Attributes:
        average_size: of the slices that data is cut into.
        size_variation: how much more or less a slice is, by chance; less than the average.
        delay: between two slices; real time, whatever the scale.
    """

    name = "toxic slicer"
    summary = "Toxiproxy cuts data into small pieces, with pauses between them if wanted"
    kind = "slicer"

    average_size: _Size
    size_variation: Bytes = 0
    delay: _Wait = 0.0

    @model_validator(mode="after")
    def _some_of_each(self) -> Self:
        if self.size_variation >= self.average_size:
            raise ValueError("slices would vanish; make the size variation less than the average")
        return self

    def attributes(self) -> Mapping[str, int]:
        """Bytes, and microseconds."""
        return {
            "average_size": self.average_size,
            "size_variation": self.size_variation,
            "delay": round(self.delay * 1_000_000),
        }


class ToxicLimitData(Toxic):
    """Toxiproxy closes each connection after an amount of data.

    Attributes:
        limit: after which a connection is closed.
    """

    name = "toxic limit data"
    summary = "Toxiproxy closes each connection after a number of bytes"
    kind = "limit_data"

    limit: _Size

    def attributes(self) -> Mapping[str, int]:
        """Bytes."""
        return {"bytes": self.limit}


class ProxyDown(Fault):
    """Toxiproxy closes all connections and its port, like a proxy that is stopped.

    Attributes:
        at: the host that runs Toxiproxy.
    """

    name = "proxy down"
    summary = "Toxiproxy closes all connections and its port, like a proxy that is stopped"
    uses = (EnableProxy,)
    touches = ("packets",)

    at: ToxiproxyHost

    def verbs(self) -> Sequence[Verb]:
        """Down."""
        return (EnableProxy(self.at, enabled=False),)

    def heal(self) -> Sequence[Verb]:
        """Up."""
        return (EnableProxy(self.at, enabled=True),)


def _milliseconds(seconds: float) -> int:
    """At least 1 unless the value is 0, since 0 often means never."""
    return max(1, round(seconds * 1000)) if seconds else 0
