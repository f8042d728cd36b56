"""Kafka: `server.properties` of a broker, and the properties of clients.

Kafka's documentation, "Configuration": a broker closes a connection that is idle for
`connections.max.idle.ms` (10 min unless set), the Java client for 9 min; both ask for keepalive
with the system's timers (SocketServer.scala, Selector.java).  The Java client looks for idle
connections only when it polls, which it does at the latest when its metadata are due
(`metadata.max.age.ms`, 5 min): both are added here.  librdkafka's CONFIGURATION.md:
`socket.keepalive.enable` is off unless set, `connections.max.idle.ms` is 0, never.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from halfopen.advice.config_model import (
    ConfigReader,
    ConfiguredConnection,
    Edit,
    Recommended,
    SelfClosing,
    Source,
)
from halfopen.advice.configs._lines import Setting, entries_of, one_of, put, shortened

_LINE = re.compile(r"\s*(?P<key>[\w.-]+)(?:\s*[=:]\s*|\s+|\s*$)(?P<value>.*?)\s*")
_IDLE, _AGE, _KEEPALIVE = (
    "connections.max.idle.ms",
    "metadata.max.age.ms",
    "socket.keepalive.enable",
)
_LIBRDKAFKA = {_KEEPALIVE, "metadata.broker.list", "topic.metadata.refresh.interval.ms"}
_BROKER = {"broker.id", "node.id", "process.roles", "listeners", "log.dirs"}


class KafkaReader(ConfigReader):
    """Reader of properties files, each by itself."""

    name = "kafka"
    files = ("server.properties", "broker.properties", "producer.properties",
             "consumer.properties")  # fmt: skip

    def recognises(self, text: str) -> bool:
        """Whether it sets what only a broker or client has."""
        known = (
            r"^\s*(bootstrap\.servers|metadata\.broker\.list|log\.dirs|broker\.id|node\.id)"
            r"\s*[=:]"
        )
        return re.search(known, text, re.MULTILINE) is not None

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """A broker's listeners, or a client's connections."""
        for source in sources:
            entries = entries_of(source, _LINE, "#!", "name=value")
            last = {each.key: each for each in entries}
            if last.keys() & _BROKER:
                yield from _broker(source, entries, last)
            else:
                yield _client(source, entries, last)


def _broker(
    source: Source, entries: Sequence[Setting], last: Mapping[str, Setting]
) -> Iterator[ConfiguredConnection]:
    listeners = last.get("listeners")
    idle = _milliseconds(last, _IDLE, 600_000)
    for name in listeners.value.split(",") if listeners else ["PLAINTEXT://:9092"]:
        yield ConfiguredConnection(
            source,
            listeners.start if listeners else 0,
            f"listener {shortened(name.strip())}",
            asks=True,
            closes=SelfClosing(idle / 1000, _IDLE) if idle > 0 else None,
            remedy=partial(_edits, source, entries, {_IDLE: 1}),
        )


def _client(
    source: Source, entries: Sequence[Setting], last: Mapping[str, Setting]
) -> ConfiguredConnection:
    servers = last.get("bootstrap.servers") or last.get("metadata.broker.list")
    where = shortened(servers.value) if servers else "brokers"
    asks, native = True, bool(last.keys() & _LIBRDKAFKA)
    if native:
        words = ("true", "t", "1"), ("false", "f", "0")
        asks = _KEEPALIVE in last and one_of(last[_KEEPALIVE], *words)
    idle = _milliseconds(last, _IDLE, 0 if native else 540_000)
    age = 0 if native else _milliseconds(last, _AGE, 300_000)
    parts = {_IDLE: 1} if native else {_IDLE: 2, _AGE: 2}
    return ConfiguredConnection(
        source,
        servers.start if servers else 0,
        f"client to {where} ({'librdkafka' if native else 'Java'})",
        asks,
        closes=SelfClosing((idle + age) / 1000, " and ".join(parts)) if idle > 0 else None,
        remedy=partial(_edits, source, entries, parts),
    )


def _edits(
    source: Source, entries: Sequence[Setting], parts: Mapping[str, int], to: Recommended
) -> Sequence[Edit]:
    """Idle connections are closed in time: each figure is that part of the silence."""
    if to.silence < 2:
        return ()
    values = {name: str(to.silence * 1000 // part) for name, part in parts.items()}
    return put(source, entries, values, "{key}={value}")


def _milliseconds(last: Mapping[str, Setting], name: str, usual: int) -> int:
    entry = last.get(name)
    if entry is None:
        return usual
    if not re.fullmatch(r"-?[0-9]{1,18}", entry.value):
        raise entry.error(
            f"{name}: {shortened(entry.value)!r} is not accepted here", "use milliseconds"
        )
    return int(entry.value)


READER = KafkaReader()
