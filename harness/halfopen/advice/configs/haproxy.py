"""HAProxy: what its frontends listen on, and the servers of its backends.

HAProxy's configuration manual, "option tcpka" and its two halves `clitcpka` and `srvtcpka`:
keepalive is off unless set; `clitcpka-idle` and `-intvl` (seconds unless they have a unit),
`clitcpka-cnt` and the same for `srvtcpka` are the system's unless set.  `timeout client` and
`timeout server`, or `timeout tunnel` if that is longer (milliseconds unless they have a unit),
close a silent connection.  `tcp-ut` of `bind` and `server` is TCP_USER_TIMEOUT.  A section takes
what `defaults` before it sets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from halfopen.advice.config_model import (
    ConfigReader,
    ConfiguredConnection,
    ConfiguredTimers,
    Edit,
    Recommended,
    SelfClosing,
    Source,
)
from halfopen.advice.configs._lines import (
    FileSection,
    Setting,
    seconds,
    sections_of,
    shortened,
    whole,
)

_HEADING = re.compile(
    r"\s*(?P<kind>global|defaults|frontend|backend|listen|peers|resolvers|userlist|mailers|cache"
    r"|program|http-errors|ring|log-forward|fcgi-app|crt-store|traces|acme)(?:\s+(?P<title>.*)|\s*)"
)
_LINE = re.compile(r"\s*(?P<key>[\w.][\w.-]*)(?P<value>\s.*|)")
_BARE = {"": 1.0, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MILLI = {**_BARE, "": 1e-3}


@dataclass(frozen=True)
class _Side:
    """Clients or servers: words of the language."""

    name: str
    lines: tuple[str, ...]
    kinds: tuple[str, ...]
    what: str


_SIDES = (
    _Side("cli", ("bind",), ("frontend", "listen"), "listener {} of {} {}"),
    _Side("srv", ("server",), ("backend", "listen"), "client to {} of {} {}"),
)
_TIMEOUTS = {"cli": "client", "srv": "server"}


class HaproxyReader(ConfigReader):
    """Reader of its files, in their order."""

    name = "haproxy"
    files = ("haproxy.cfg", "haproxy/*.cfg", "*haproxy*.cfg", "haproxy*.conf")

    def recognises(self, text: str) -> bool:
        """Whether it has sections as only HAProxy's."""
        known = r"^(frontend|backend|listen|defaults)\b.*$(?s:.*)^\s+(bind|server|timeout|option)\s"
        return re.search(known, text, re.MULTILINE) is not None

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """Each `bind` and each `server`."""
        usual: FileSection | None = None
        named: dict[str, FileSection] = {}
        for source in sources:
            for section in sections_of(source, _HEADING, _LINE, "#", "keyword arguments"):
                title = section.title.partition("#")[0].split()
                if section.kind == "defaults":
                    usual = section
                    named[title[0] if title else ""] = section
                    continue
                mine = usual
                if len(title) > 2 and title[1] == "from":
                    mine = named.get(title[2], usual)
                settings = [*(mine.settings if mine else ()), *section.settings]
                for side in _SIDES:
                    if section.kind in side.kinds:
                        yield from _connections(section, settings, side, title[:1])


def _connections(
    section: FileSection, settings: Sequence[Setting], side: _Side, title: Sequence[str]
) -> Iterator[ConfiguredConnection]:
    name = f"{side.name}tcpka"
    asks = False
    last: dict[str, Setting] = {}
    for each in settings:
        words = _words(each)
        if each.key == "option" and words[:1] in ([name], ["tcpka"]):
            asks = True
        elif each.key == "no" and words[:2] in (["option", name], ["option", "tcpka"]):
            asks = False
        elif each.key.startswith(f"{name}-"):
            last[each.key] = each
    idle, interval = (
        round(_time(last[key], _words(last[key])[:1], _BARE)) or None if key in last else None
        for key in (f"{name}-idle", f"{name}-intvl")
    )
    count = None
    if (found := last.get(f"{name}-cnt")) is not None:
        value = (_words(found) or [""])[0]
        count = whole(Setting(found.source, found.key, value, found.start, found.span)) or None
    for each in section.settings:
        words = _words(each)
        address = words[len(words) > 1 and side.name == "srv"] if words else ""
        if each.key not in side.lines or not address or _is_local(address):
            continue
        patience = 0.0
        if "tcp-ut" in words:
            at = words.index("tcp-ut")
            patience = _time(each, words[at + 1 : at + 2], _MILLI)
        yield ConfiguredConnection(
            each.source,
            each.start,
            side.what.format(shortened(address), section.kind, shortened(" ".join(title))).strip(),
            asks,
            ConfiguredTimers(idle, interval, count),
            round(patience * 1000),
            closes=_closing(settings, _TIMEOUTS[side.name]),
            remedy=partial(_edits, section, name),
        )


def _edits(section: FileSection, name: str, to: Recommended) -> Sequence[Edit]:
    if to.keepalive is None:
        return ()
    values = {
        f"{name}-idle": f"{to.keepalive.idle}s",
        f"{name}-intvl": f"{to.keepalive.interval}s",
        f"{name}-cnt": str(to.keepalive.probes),
    }
    edits, lines = [], [f"    option {name}"]
    for key, value in values.items():
        found = next((each for each in reversed(section.settings) if each.key == key), None)
        if found is None:
            lines.append(f"    {key} {value}")
        else:
            edits.append(Edit(found.source, *found.span, f" {value}"))
    # At the end of the section: the last that is said of an option counts.
    at = section.source.end_of_line(section.last)
    return [*edits, Edit(section.source, at, at, "".join(f"\n{each}" for each in lines))]


def _closing(settings: Sequence[Setting], side: str) -> SelfClosing | None:
    times: dict[str, float] = {}
    for each in settings:
        words = _words(each)
        if each.key == "timeout" and words[:1] in ([side], ["tunnel"]):
            times[words[0]] = _time(each, words[1:2], _MILLI)
    # 0 is no timeout; without one of its side, a connection may be silent forever.
    if not times.get(side) or times.get("tunnel") == 0:
        return None
    longest = max(times, key=lambda name: times[name])
    return SelfClosing(times[longest], f"timeout {longest}")


def _time(each: Setting, words: Sequence[str], units: dict[str, float]) -> float:
    return seconds(each, units, words[0] if words else "")


def _words(each: Setting) -> list[str]:
    return re.split(r"(?<!\\)#", each.value)[0].split()


def _is_local(address: str) -> bool:
    return address.startswith(("/", "unix@", "abns@", "fd@", "sockpair@", "quic", "udp", "rhttp@"))


READER = HaproxyReader()
