"""The toxics of Toxiproxy, a fault each, with their attributes and toxicity.

What a toxic does and what its attributes mean is Toxiproxy's (README of Shopify/toxiproxy, section
Toxics; directory `toxics` of its source).  A toxic that is there already is changed by the same
fault with other attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from halfopen.faults._quantities import Octets
from halfopen.fields import DURATION_SCHEMA, Duration, Section, Share, read_duration
from halfopen.ports import FaultSpec
from halfopen.verbs import EnableProxy, RemoveToxic, SetToxic
from halfopen.verbs.toxics import Stream, ToxicType

SYSTEM = "toxiproxy"

_Wait = Annotated[
    float,
    BeforeValidator(read_duration),
    Field(ge=0, le=3600),
    WithJsonSchema(DURATION_SCHEMA),
]
"""Seconds of real time, as round trips take them: no scale divides it."""

_Size = Annotated[Octets, Field(ge=1, le=1 << 31)]


class ToxicParams(Section):
    """Parameters of every toxic.

    Attributes:
        at: the host that runs Toxiproxy.
        stream: `upstream`, from the client to the server, `downstream`, or `both`.
        toxicity: share of the connections that it is for.
    """

    at: str
    stream: Literal["upstream", "downstream", "both"] = "downstream"
    toxicity: Share = 1.0


class LatencyParams(ToxicParams):
    """Parameters of `toxic latency`.

    Attributes:
        latency: that each piece of data waits; real time, whatever the scale.
        jitter: by which that is more or less, by chance.
    """

    latency: _Wait
    jitter: _Wait = 0.0


class BandwidthParams(ToxicParams):
    """Parameters of `toxic bandwidth`.

    Attributes:
        rate: octets that get through in a second, in whole thousands (bandwidth.go: a unit of its
            rate is an octet a millisecond).
    """

    rate: Annotated[Octets, Field(ge=1000, multiple_of=1000)]


class SlowCloseParams(ToxicParams):
    """Parameters of `toxic slow close`.

    Attributes:
        delay: that the end of a connection is held back.
    """

    delay: Duration


class TimeoutParams(ToxicParams):
    """Parameters of `toxic timeout`.

    Attributes:
        timeout: after which the connection is closed, too; 0 for never.
    """

    timeout: Duration = 0.0


class ResetPeerParams(ToxicParams):
    """Parameters of `toxic reset peer`.

    Attributes:
        timeout: after the next data, until the connection is reset.
    """

    timeout: Duration = 0.0


class SlicerParams(ToxicParams):
    """Parameters of `toxic slicer`.

    Attributes:
        average_size: of the slices that data is cut into.
        size_variation: by which a slice is more or less, by chance; less than the average.
        delay: between two slices; real time, whatever the scale.
    """

    average_size: _Size
    size_variation: Octets = 0
    delay: _Wait = 0.0

    @model_validator(mode="after")
    def _some_of_each(self) -> Self:
        if self.size_variation >= self.average_size:
            raise ValueError("slices would vanish; make the size variation less than the average")
        return self


class LimitDataParams(ToxicParams):
    """Parameters of `toxic limit data`.

    Attributes:
        octets: after which a connection is closed.
    """

    octets: _Size


class ProxyDownParams(Section):
    """Parameters of `proxy down`.

    Attributes:
        at: the host that runs Toxiproxy.
    """

    at: str


def _milliseconds(seconds: float) -> int:
    """What was not nothing stays at least one: 0 often means never."""
    return max(1, round(seconds * 1000)) if seconds else 0


def _toxic(
    kind: ToxicType,
    summary: str,
    params: type[ToxicParams],
    attributes: Callable[[Any], Mapping[str, int]],
) -> FaultSpec:
    def streams(given: ToxicParams) -> Sequence[Stream]:
        return ("upstream", "downstream") if given.stream == "both" else (given.stream,)

    def verbs(given: ToxicParams) -> Sequence[SetToxic]:
        return [
            SetToxic(given.at, kind, stream, given.toxicity, attributes(given))
            for stream in streams(given)
        ]

    def heal(given: ToxicParams) -> Sequence[RemoveToxic]:
        return [RemoveToxic(given.at, kind, stream) for stream in streams(given)]

    return FaultSpec(
        name=f"toxic {kind.replace('_', ' ')}",
        summary=summary,
        params=params,
        verbs=verbs,
        heal=heal,
        running=lambda given: ((given.at, SYSTEM),),
    )


FAULT = (
    _toxic(
        "latency",
        "Toxiproxy delays all data, with jitter if wanted",
        LatencyParams,
        lambda given: {
            "latency": _milliseconds(given.latency),
            "jitter": _milliseconds(given.jitter),
        },
    ),
    _toxic(
        "bandwidth",
        "Toxiproxy lets only so many octets a second through",
        BandwidthParams,
        lambda given: {"rate": given.rate // 1000},
    ),
    _toxic(
        "slow_close",
        "Toxiproxy holds the end of a connection back",
        SlowCloseParams,
        lambda given: {"delay": _milliseconds(given.delay)},
    ),
    _toxic(
        "timeout",
        "Toxiproxy swallows all data, and closes the connection after a time, or never",
        TimeoutParams,
        lambda given: {"timeout": _milliseconds(given.timeout)},
    ),
    _toxic(
        "reset_peer",
        "Toxiproxy resets a connection (RST) at its next data, or a time after it",
        ResetPeerParams,
        lambda given: {"timeout": _milliseconds(given.timeout)},
    ),
    _toxic(
        "slicer",
        "Toxiproxy cuts data into small pieces, with pauses between them if wanted",
        SlicerParams,
        lambda given: {
            "average_size": given.average_size,
            "size_variation": given.size_variation,
            "delay": round(given.delay * 1_000_000),
        },
    ),
    _toxic(
        "limit_data",
        "Toxiproxy closes each connection after a number of octets",
        LimitDataParams,
        lambda given: {"bytes": given.octets},
    ),
    FaultSpec(
        name="proxy down",
        summary="Toxiproxy closes all connections and its port, as a proxy that is stopped",
        params=ProxyDownParams,
        verbs=lambda given: (EnableProxy(given.at, enabled=False),),
        heal=lambda given: (EnableProxy(given.at, enabled=True),),
        running=lambda given: ((given.at, SYSTEM),),
    ),
)
