"""Clients of PostgreSQL with libpq: the services of `pg_service.conf`.

PostgreSQL's manual, "Database Connection Control Functions", parameter key words, and "The
Connection Service File": `keepalives` is 1 unless set; `keepalives_idle`, `keepalives_interval`
(seconds) and `keepalives_count` are the system's where they are 0 or missing; `tcp_user_timeout` is
in milliseconds, 0 for none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from halfopen.advice.config_model import (
    ConfigReader,
    ConfiguredConnection,
    ConfiguredTimers,
    Edit,
    Recommended,
    Source,
)
from halfopen.advice.configs._lines import FileSection, sections_of, shortened, whole

_LINE = re.compile(r"\s*(?P<key>\w+)=(?P<value>.*)")
_HEADING = re.compile(r"\s*\[(?P<kind>[^\]]+)\](?P<title>\s*)")
_TIMERS = ("keepalives_idle", "keepalives_interval", "keepalives_count")


class LibpqReader(ConfigReader):
    """Reader of service files."""

    name = "libpq"
    files = ("pg_service.conf", ".pg_service.conf", "*pg_service.conf*")

    def recognises(self, text: str) -> bool:
        """Whether a section names a database."""
        known = r"^\[[^\]\n]+\]$(?s:.*)^(dbname|keepalives\w*|sslmode)="
        return re.search(known, text, re.MULTILINE) is not None

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """The services that name a host."""
        for source in sources:
            for section in sections_of(source, _HEADING, _LINE, "#", "name=value"):
                last = {each.key: each for each in section.settings}
                host = last.get("hostaddr") or last.get("host")
                if not section.kind or host is None or host.value[:1] in ("", "/", "@"):
                    continue
                port = last["port"].value if "port" in last else "5432"
                asks = "keepalives" not in last or whole(last["keepalives"]) > 0
                idle, interval, count = (
                    whole(last[key]) or None if key in last else None for key in _TIMERS
                )
                patience = last.get("tcp_user_timeout")
                yield ConfiguredConnection(
                    source,
                    section.start,
                    f"client to {shortened(host.value)}:{shortened(port)}",
                    asks,
                    ConfiguredTimers(idle, interval, count),
                    0 if patience is None else whole(patience),
                    remedy=partial(_edits, section, asks),
                )


def _edits(section: FileSection, asks: bool, to: Recommended) -> Sequence[Edit]:
    if to.keepalive is None:
        return ()
    figures = (to.keepalive.idle, to.keepalive.interval, to.keepalive.probes)
    values = dict(zip(_TIMERS, map(str, figures), strict=True))
    values["tcp_user_timeout"] = str(to.user_timeout_ms)
    return section.put(values if asks else {"keepalives": "1", **values}, "{key}={value}")


READER = LibpqReader()
