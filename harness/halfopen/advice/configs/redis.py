"""Redis and Valkey: `redis.conf`.

redis.conf as it is shipped, and src/anet.c, anetKeepAlive(): `tcp-keepalive N`, 300 unless set, is
the idle time; the interval is a third of it, with 3 probes; 0 turns keepalive off.  A replica
reports to its primary every second (src/replication.c, replicationCron).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from halfopen.advice.config_model import (
    ConfigReader,
    ConfiguredConnection,
    ConfiguredTimers,
    Edit,
    OwnTraffic,
    Recommended,
    Source,
)
from halfopen.advice.configs._lines import Setting, entries_of, included, put, shortened, whole

_LINE = re.compile(r"\s*(?P<key>[A-Za-z][\w-]*)(?:\s+(?P<value>\S(?:.*?\S)?))?\s*")
_KEEPALIVE = "tcp-keepalive"
_DEFAULT = 300
_LOCAL = {"127.0.0.1", "::1", "localhost"}


class RedisReader(ConfigReader):
    """Reader of the server's files."""

    name = "redis"
    files = ("redis*.conf", "valkey*.conf", "redis/*.conf")

    def recognises(self, text: str) -> bool:
        """Whether it sets what only this server has."""
        known = r"^\s*(tcp-keepalive|appendonly|maxmemory|protected-mode|replicaof)\s+\S"
        return re.search(known, text, re.MULTILINE | re.IGNORECASE) is not None

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """Its listeners, and its connection to a primary."""
        entries = [
            each for source in sources for each in entries_of(source, _LINE, "#", "name value")
        ]
        last = {each.key: each for each in entries}
        keepalive = last.get(_KEEPALIVE)
        idle = _DEFAULT if keepalive is None else whole(keepalive)
        timers = ConfiguredTimers(idle, max(idle // 3, 1), 3) if idle else ConfiguredTimers()

        def remedy(to: Recommended) -> Sequence[Edit]:
            if to.keepalive is None:
                return ()
            return put(sources[-1], entries, {_KEEPALIVE: str(to.keepalive.idle)}, "{key} {value}")

        names = {each.lstrip("-") for each in _words(last.get("bind"))}
        for port in ("port", "tls-port"):
            number = whole(last[port], 65535) if port in last else 6379 * (port == "port")
            if not number or (names and names <= _LOCAL):
                continue
            anchor = keepalive or last.get(port)
            yield ConfiguredConnection(
                anchor.source if anchor else sources[0],
                anchor.start if anchor else 0,
                f"listener {number}",
                asks=idle > 0,
                timers=timers,
                unknown=_not_followed(entries, sources),
                remedy=remedy,
            )
        primary = last.get("replicaof") or last.get("slaveof")
        if primary is not None and len(_words(primary)) == 2 and _words(primary)[0] != "no":
            yield ConfiguredConnection(
                primary.source,
                primary.start,
                f"client to {shortened(':'.join(_words(primary)))}",
                asks=idle > 0,
                timers=timers,
                traffic=OwnTraffic(1, "the replica reports its offset (REPLCONF ACK)"),
                remedy=remedy,
            )


def _words(entry: Setting | None) -> list[str]:
    return [] if entry is None else [each.strip("\"'") for each in entry.value.split()]


def _not_followed(entries: Sequence[Setting], sources: Sequence[Source]) -> str:
    for each in entries:
        if each.key == "include" and not included(each.value.strip("\"'"), sources):
            line = each.source.line(each.start)
            return f"line {line} includes {each.value}: give it with --config, too"
    return ""


READER = RedisReader()
