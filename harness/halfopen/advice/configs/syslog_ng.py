"""syslog-ng and AxoSyslog: network(), syslog(), tcp() and tcp6() of sources and destinations.

modules/afsocket/socket-options-inet.c: `so-keepalive()` is yes unless set.  The timers unless set
are 60 s, 10 s and 6 probes since 3.29 (pull request 3357), before that the system's; 0 is the
system's.  Destinations ignore all four options from 3.34.1 on until 4.4 (pull request 4559).  Which
release runs is not in a file: its `@version` is at most that of the program.
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
from halfopen.advice.configs._calls import DriverCall, calls
from halfopen.advice.configs._lines import one_of, shortened, whole

_PORTS = {"network": "514", "tcp": "514", "tcp6": "514", "syslog": "601"}
_DATAGRAMS = ("udp", "udp6", "unix-dgram", "unix-stream", "spoofed-udp")
_TIMERS = ("tcp-keepalive-time", "tcp-keepalive-intvl", "tcp-keepalive-probes")
_DEFAULTS = (60, 10, 6)
_DEFAULTS_SINCE, _DESTINATIONS_SINCE = (3, 29), (4, 4)
_YES, _NO = ("yes", "on", "1"), ("no", "off", "0")
_VERSION = re.compile(r"^[ \t]*@version:[ \t]*(\d{1,4})\.(\d{1,4})", re.MULTILINE)


class SyslogNgReader(ConfigReader):
    """Reader of syslog-ng's files."""

    name = "syslog-ng"
    files = ("syslog-ng.conf", "syslog-ng/conf.d/*.conf", "*syslog-ng*.conf", "axosyslog*.conf")

    def recognises(self, text: str) -> bool:
        """Whether it has a version or a block of syslog-ng's own."""
        known = r"^[ \t]*(@version:[ \t]*\d|(source|destination)[ \t]+[\w.-]+[ \t]*\{)"
        return re.search(known, text, re.MULTILINE) is not None

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """Its listeners and clients."""
        found = (_VERSION.search(each.text) for each in sources)
        version = next(((int(v[1]), int(v[2])) for v in found if v), (0, 0))
        for source in sources:
            for call in calls(source):
                kind = call.block[call.block[:1] == ("block",) :][:1]
                if kind not in (("source",), ("destination",)) or call.name not in _PORTS:
                    continue
                transport = call.setting("transport")
                if transport is None or transport.value.lower() not in _DATAGRAMS:
                    yield _connection(call, kind == ("source",), version)


def _connection(call: DriverCall, listens: bool, version: tuple[int, int]) -> ConfiguredConnection:
    port = call.setting("port") or call.setting("localport" if listens else "destport")
    number = shortened(port.value) if port is not None else _PORTS[call.name]
    target = shortened(call.arguments[0].text) if call.arguments else "?"
    where = f"listener {number}" if listens else f"client to {target}:{number}"
    option = call.setting("so-keepalive")
    settings = [call.setting(name) for name in _TIMERS]
    unknown = ""
    for each in (option, *settings):
        if each is not None and "`" in each.value:
            unknown = f"{each.key}() is an argument of a block: {shortened(each.value)}"
    asks, figures = True, [0, 0, 0]
    if not unknown:
        asks = option is None or one_of(option, _YES, _NO)
        figures = [
            usual if each is None else whole(each)
            for each, usual in zip(settings, _DEFAULTS, strict=True)
        ]
        unknown = _release(listens, version, timed=None not in settings[:2]) if asks else ""
    return ConfiguredConnection(
        call.source,
        call.start,
        f"{where} ({call.name})",
        asks,
        ConfiguredTimers(*(each or None for each in figures)),
        unknown=unknown,
        remedy=partial(_edits, call),
        hint=_hint(listens, version),
    )


def _release(listens: bool, version: tuple[int, int], *, timed: bool) -> str:
    """Why the program's release decides; empty if it does not.

    Args:
        listens: whether it is a source.
        version: of the file.
        timed: whether the file sets both timers.
    """
    if not listens and version < _DESTINATIONS_SINCE:
        return (
            "syslog-ng 3.34.1 up to 4.3 ignores the keepalive options of destinations, and the "
            "file does not say which release runs: with 4.4 or later, write its @version"
        )
    if not timed and version < _DEFAULTS_SINCE:
        return (
            "the timers are the system's before syslog-ng 3.29, 60 s and 10 s since: write "
            "tcp-keepalive-time() and tcp-keepalive-intvl()"
        )
    return ""


def _hint(listens: bool, version: tuple[int, int]) -> str:
    if listens or version >= _DESTINATIONS_SINCE:
        return ""
    return "syslog-ng 3.34.1 up to 4.3 ignores it here: with one of these, ask at the receiver"


def _edits(call: DriverCall, to: Recommended) -> Sequence[Edit]:
    if to.keepalive is None:
        return ()
    keepalive = to.keepalive
    figures = (keepalive.idle, keepalive.interval, keepalive.probes)
    return call.put({"so-keepalive": "yes", **dict(zip(_TIMERS, map(str, figures), strict=True))})


READER = SyslogNgReader()
