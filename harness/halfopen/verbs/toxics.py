"""What can be done to a proxy: Toxiproxy's toxics, by the names of its HTTP interface (v2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from halfopen.verbs.base import Verb

ToxicType = Literal[
    "latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data"
]
Stream = Literal["upstream", "downstream"]
"""From the client to the server, or back."""


@dataclass(frozen=True)
class SetToxic(Verb):
    """The proxy `proxy` has a toxic of this type on this stream, changed if it has one already.

    Attributes:
        proxy: the host that runs Toxiproxy.
        type: of the toxic.
        stream: on which it works.
        toxicity: share of the connections that it is for, above 0, at most 1.
        attributes: of the toxic, in its own units: milliseconds, bytes a millisecond, bytes,
            microseconds.
    """

    proxy: str
    type: ToxicType
    stream: Stream
    toxicity: float
    attributes: Mapping[str, int]


@dataclass(frozen=True)
class RemoveToxic(Verb):
    """The proxy `proxy` has no toxic of this type on this stream any more; perhaps it had none."""

    proxy: str
    type: ToxicType
    stream: Stream


@dataclass(frozen=True)
class EnableProxy(Verb):
    """The proxy `proxy` goes down, closing its connections and its port, or comes up again."""

    proxy: str
    enabled: bool
