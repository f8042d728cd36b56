"""`sysctl.conf`: net.ipv4.tcp_keepalive_*, and tcp_retries2.

sysctl.conf(5), and tcp(7): the timers of sockets that ask for keepalive and set none of their own.
They turn keepalive on for no socket.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from halfopen.advice.config_model import (
    ConfigReader,
    ConfiguredConnection,
    Edit,
    Recommended,
    Source,
    Sysctls,
)
from halfopen.advice.configs._lines import Setting, entries_of, put, whole
from halfopen.advice.configs._sysctls import MOST, RETRIES2, TIMERS, recommended, timers_of

# A name with a minus and no value is excluded from what a pattern sets.
_LINE = re.compile(
    r"\s*(?P<minus>-\s*)?(?P<key>[^\s=]+)\s*(?:=\s*(?P<value>\S(?:.*?\S)?)|(?(minus)|(?!)))\s*"
)


class SysctlReader(ConfigReader):
    """Reader of the files of sysctl(8)."""

    name = "sysctl"
    files = ("sysctl.conf", "sysctl.d/*.conf", "*sysctl*.conf")

    def recognises(self, text: str) -> bool:
        """Whether a line sets something of the network."""
        return re.search(r"^\s*-?\s*net[./]\w+[./][\w./-]+\s*=", text, re.MULTILINE) is not None

    def system(self, sources: Sequence[Source]) -> Sysctls:
        """What they set, the last of each counts."""
        entries, retries2 = _entries(sources), None
        for entry in entries:
            if entry.key == RETRIES2:
                retries2 = whole(entry, MOST[entry.key])
        return Sysctls(timers_of(entries), retries2)

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """Sockets that these files alone decide about."""
        entries = _entries(sources)

        def remedy(to: Recommended) -> Sequence[Edit]:
            if to.keepalive is None:
                return ()
            return put(sources[-1], entries, recommended(to.keepalive), "{key} = {value}")

        timed = [each for each in entries if each.key in TIMERS]
        yield ConfiguredConnection(
            timed[0].source if timed else sources[0],
            timed[0].start if timed else 0,
            "a socket that asks for keepalive and sets no timers",
            asks=True,
            remedy=remedy,
        )


def _entries(sources: Sequence[Source]) -> list[Setting]:
    return [
        entry
        for source in sources
        for entry in entries_of(source, _LINE, "#;", "net.ipv4.NAME = VALUE", _named)
        if entry.value
    ]


def _named(key: str) -> str:
    return key.replace("/", ".") if "/" in key else key


READER = SysctlReader()
