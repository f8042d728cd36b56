"""systemd's socket units: `*.socket`.

systemd.socket(5): `KeepAlive=` is no unless set; `KeepAliveTimeSec=`, `KeepAliveIntervalSec=` and
`KeepAliveProbes=` are the system's unless set.  Connections take them over from the listener.
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
from halfopen.advice.configs._lines import (
    FileSection,
    one_of,
    seconds,
    sections_of,
    shortened,
    whole,
)

_LINE = re.compile(r"\s*(?P<key>\w[\w-]*)\s*=\s*(?P<value>.*?)\s*")
_HEADING = re.compile(r"\s*\[(?P<kind>[^\]]+)\](?P<title>\s*)")
_UNITS = {
    unit: length
    for length, units in (
        (1e-6, ("us",)),
        (1e-3, ("ms",)),
        (1.0, ("", "s", "sec", "second", "seconds")),
        (60.0, ("min", "m", "minute", "minutes")),
        (3600.0, ("h", "hr", "hour", "hours")),
        (86400.0, ("d", "day", "days")),
    )
    for unit in units
}
_YES, _NO = ("yes", "true", "on", "1", "y", "t"), ("no", "false", "off", "0", "n", "f")


class SystemdReader(ConfigReader):
    """Reader of socket units, each by itself."""

    name = "systemd"
    files = ("*.socket",)

    def recognises(self, text: str) -> bool:
        """Whether it has a section for sockets."""
        return re.search(r"^\s*\[Socket\]\s*$", text, re.MULTILINE) is not None

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """Their TCP listeners."""
        for source in sources:
            yield from _unit(source)


def _unit(source: Source) -> Iterator[ConfiguredConnection]:
    for section in sections_of(source, _HEADING, _LINE, "#;", "Name=value"):
        if section.kind != "socket":
            continue
        last = {each.key: each for each in section.settings if each.value}
        asks = "keepalive" in last and one_of(last["keepalive"], _YES, _NO)
        idle, interval = (
            round(seconds(last[key], _UNITS)) or None if key in last else None
            for key in ("keepalivetimesec", "keepaliveintervalsec")
        )
        count = whole(last["keepaliveprobes"]) or None if "keepaliveprobes" in last else None

        for each in section.settings:
            if each.key == "listenstream" and each.value and each.value[0] not in "/@":
                if each.value.startswith("vsock:"):
                    continue
                yield ConfiguredConnection(
                    source,
                    each.start,
                    f"listener {shortened(each.value)}",
                    asks,
                    ConfiguredTimers(idle, interval, count),
                    remedy=partial(_edits, section),
                )


def _edits(section: FileSection, to: Recommended) -> Sequence[Edit]:
    if to.keepalive is None:
        return ()
    values = {
        "KeepAlive": "yes",
        "KeepAliveTimeSec": str(to.keepalive.idle),
        "KeepAliveIntervalSec": str(to.keepalive.interval),
        "KeepAliveProbes": str(to.keepalive.probes),
    }
    return section.put(values, "{key}={value}")


READER = SystemdReader()
