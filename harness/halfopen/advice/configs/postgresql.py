"""PostgreSQL's server: `postgresql.conf`.

PostgreSQL's manual, "Connections and Authentication", TCP Settings: the server asks for keepalive
on each of its TCP connections (src/backend/libpq/pqcomm.c, pq_init); 0 or nothing for
tcp_keepalives_idle, _interval (seconds) and _count are the system's; tcp_user_timeout is in
milliseconds, 0 for none.  Numbers may have units ("Setting Parameters").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from halfopen.advice.config_model import (
    ConfigReader,
    ConfiguredConnection,
    ConfiguredTimers,
    Edit,
    Recommended,
    Source,
)
from halfopen.advice.configs._lines import Setting, entries_of, included, put, shortened

_LINE = re.compile(
    r"\s*(?P<key>[A-Za-z_][\w.$]*)\s*(?:=|\s)\s*"
    r"(?P<value>'(?:[^'\\]|''|\\.)*'|[^\s'#]+)\s*(?:#.*)?"
)
_IDLE, _INTERVAL, _COUNT = "tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count"
_USER_TIMEOUT = "tcp_user_timeout"
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_FIGURE = re.compile(r"(\d{1,9})(?:\.(\d{1,6}))?\s*([a-z]*)")
_LOCAL = {"localhost", "127.0.0.1", "::1"}


class PostgresqlReader(ConfigReader):
    """Reader of the server's files."""

    name = "postgresql"
    files = ("postgresql.conf", "postgresql.auto.conf", "postgresql*.conf")

    def recognises(self, text: str) -> bool:
        """Whether it sets what only this server has."""
        known = r"^\s*#?\s*(tcp_keepalives_\w+|listen_addresses|max_wal_size|shared_buffers)\s*[= ]"
        return re.search(known, text, re.MULTILINE) is not None

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """The server's listener; it has one set of timers."""
        entries = [
            each for source in sources for each in entries_of(source, _LINE, "#", "name = 'value'")
        ]
        last = {each.key: each for each in entries}
        addresses = _text(last["listen_addresses"]) if "listen_addresses" in last else "*"
        names = {each.strip() for each in addresses.split(",")} - {""}
        if names <= _LOCAL:
            return
        anchor = next(
            (last[key] for key in (_IDLE, _INTERVAL, _COUNT, "port", "listen_addresses")
             if key in last), None,
        )  # fmt: skip

        def remedy(to: Recommended) -> Sequence[Edit]:
            if to.keepalive is None:
                return ()
            keepalive = to.keepalive
            values = {_IDLE: keepalive.idle, _INTERVAL: keepalive.interval,
                      _COUNT: keepalive.probes, _USER_TIMEOUT: to.user_timeout_ms}  # fmt: skip
            words = {key: str(value) for key, value in values.items()}
            where = anchor if anchor is not None and anchor.source is sources[-1] else None
            after = None if where is None else where.start
            return put(sources[-1], entries, words, "{key} = {value}", after)

        port = _text(last["port"]) if "port" in last else "5432"
        yield ConfiguredConnection(
            anchor.source if anchor else sources[0],
            anchor.start if anchor else 0,
            f"listener {shortened(port)}",
            asks=True,
            timers=ConfiguredTimers(
                _figure(last.get(_IDLE), 1.0) or None,
                _figure(last.get(_INTERVAL), 1.0) or None,
                _figure(last.get(_COUNT), 1.0) or None,
            ),
            user_timeout_ms=_figure(last.get(_USER_TIMEOUT), 1e-3),
            unknown=_not_followed(entries, sources),
            remedy=remedy,
        )


def _not_followed(entries: Sequence[Setting], sources: Sequence[Source]) -> str:
    """Why the files may not be all: what is included and was not given."""
    for each in entries:
        if not each.key.startswith("include"):
            continue
        name = _text(each)
        if not included(f"{name}/*.conf" if each.key == "include_dir" else name, sources):
            line = each.source.line(each.start)
            return f"line {line} has {each.key} {_text(each)!r}: give its files with --config, too"
    return ""


def _text(entry: Setting) -> str:
    value = entry.value
    return re.sub(r"''|\\(.)", lambda m: m[1] or "'", value[1:-1]) if value[:1] == "'" else value


def _figure(entry: Setting | None, unit: float) -> int:
    """A number in a parameter's unit (seconds); 0 if there is none."""
    if entry is None:
        return 0
    match = _FIGURE.fullmatch(_text(entry).strip())
    if match is None or (match[3] and (match[3] not in _SECONDS or entry.key == _COUNT)):
        units = "" if entry.key == _COUNT else f", perhaps with {', '.join(_SECONDS)}"
        raise entry.error(
            f"{entry.key}: {shortened(entry.value)!r} is not accepted here",
            f"use a whole number{units}",
        )
    number = float(f"{match[1]}.{match[2] or 0}")
    return round(number * (_SECONDS[match[3]] / unit if match[3] else 1))


READER = PostgresqlReader()
