"""nginx: what it listens on, and what it connects to.

nginx.org, ngx_http_core_module and ngx_stream_core_module, `listen`: `so_keepalive=on|off|I:V:P`
with the system's for what is left out; keepalive is off unless set.  ngx_http_proxy_module (and
fastcgi, uwsgi, scgi, memcached, grpc; stream): `proxy_socket_keepalive on` asks for it with the
system's timers.  An HTTP connection is closed by nginx when the longest of the timeouts is over
(`keepalive_timeout` 75 s, `proxy_read_timeout` 60 s and so on), one of a stream after
`proxy_timeout` (10 min).
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
    SelfClosing,
    Source,
)
from halfopen.advice.configs._blocks import Directive, directives
from halfopen.advice.configs._lines import included, shortened

_UNITS = {"": 1.0, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_TIME = re.compile(r"(?:\d{1,9}(?:ms|[smhdw])?)+", re.ASCII)
_PART = re.compile(r"(\d{1,9})(ms|[smhdw])?", re.ASCII)
_PASSES = ("proxy", "fastcgi", "uwsgi", "scgi", "memcached", "grpc")
_SYSTEM = (
    "nginx takes the system's timers here: set net.ipv4.tcp_keepalive_time, _intvl and _probes, "
    "too, and give that file with --config"
)


class NginxReader(ConfigReader):
    """Reader of its files; timeouts of `http { }` count for those that it includes."""

    name = "nginx"
    files = ("nginx.conf", "nginx/*.conf", "sites-available/*", "sites-enabled/*", "*nginx*.conf")

    def recognises(self, text: str) -> bool:
        """Whether it has a block for HTTP, streams or a server."""
        return re.search(r"^\s*(http|stream|server|events)\s*\{", text, re.MULTILINE) is not None

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """Its listeners and upstream connections."""
        by_source = [(each, list(directives(each))) for each in sources]
        found = [each for _, mine in by_source for each in mine]
        for source, mine in by_source:
            for each in mine:
                stream = _in_stream(each, mine)
                gap = "" if stream else _gap(found, sources)
                closes = None if gap else _closing(each, found, stream)
                if each.name == "listen" and each.block.name == "server":
                    yield from _listener(source, each, closes, gap)
                elif each.name.removesuffix("_pass") in _PASSES and each.name.endswith("_pass"):
                    option = _nearest(each, f"{each.name[:-5]}_socket_keepalive", found)
                    yield from _upstream(source, each, option, closes, gap)


def _in_stream(each: Directive, mine: Sequence[Directive]) -> bool:
    """Whether it is about plain TCP: in `stream { }`, or in a file that is meant for it."""
    if each.block.within("stream") or each.block.within("http"):
        return each.block.within("stream")
    return any(
        other.name == "proxy_pass"
        and other.block.name == "server"
        and other.block in each.block.around()
        and not re.search(r"://|^\$", other.words[-1].text)
        for other in mine
    )


def _gap(found: Sequence[Directive], sources: Sequence[Source]) -> str:
    """What may set timeouts of HTTP, and was not given."""
    if not any(other.block.within("http") for other in found):
        return "the timeouts of http { } are in another file: give nginx.conf with --config, too"
    for other in found:
        name = other.words[-1].text
        if (
            other.name == "include"
            and other.block.name in ("http", "server", "location")
            and not re.search(r"mime\.types$|_params$|\.socket$", name)
            and not included(name, sources)
        ):
            return f"{shortened(name)} is included and may set timeouts: give it with --config, too"
    return ""


def _listener(
    source: Source, each: Directive, closes: SelfClosing | None, gap: str
) -> Iterator[ConfiguredConnection]:
    words = [word.text for word in each.words[1:]]
    if not words or words[0].startswith("unix:") or {"udp", "quic"} & set(words):
        return
    option = next((word for word in each.words if word.text.startswith("so_keepalive=")), None)
    asks, timers = False, ConfiguredTimers()
    if option is not None:
        asks, timers = _keepalive(source, option.text.partition("=")[2], option.start)

    def remedy(to: Recommended) -> Sequence[Edit]:
        if to.keepalive is None:
            return ()
        figures = f"{to.keepalive.idle}s:{to.keepalive.interval}s:{to.keepalive.probes}"
        text = f"so_keepalive={figures}"
        if option is not None:
            return [Edit(source, option.start, option.end, text)]
        return [Edit(source, each.end, each.end, f" {text}")]

    yield ConfiguredConnection(
        source,
        each.start,
        f"listener {shortened(words[0])}",
        asks,
        timers,
        closes=closes,
        unknown="" if asks else gap,
        remedy=remedy,
    )


def _keepalive(source: Source, value: str, at: int) -> tuple[bool, ConfiguredTimers]:
    if value in ("on", "off"):
        return value == "on", ConfiguredTimers()
    parts = value.split(":")
    good = len(parts) == 3 and any(parts) and (not parts[2] or parts[2].isdecimal())
    figures = [_seconds(part) if part else 0.0 for part in parts[:2]] if good else [None]
    idle, interval, probes = 0, 0, parts[2] if good else ""
    if None in figures or len(probes) > 9 or not probes.isascii():
        raise source.error(
            at,
            f"so_keepalive: {shortened(value)!r} is not accepted here",
            "use on, off or IDLE:INTERVAL:PROBES, for example 5m:75s:9",
        )
    idle, interval = (round(figure or 0) for figure in figures)
    return True, ConfiguredTimers(idle or None, interval or None, int(probes or 0) or None)


def _upstream(
    source: Source, each: Directive, option: Directive | None, closes: SelfClosing | None, gap: str
) -> Iterator[ConfiguredConnection]:
    target = each.words[1].text if len(each.words) > 1 else ""
    if not target or "unix:" in target:
        return
    name = f"{each.name.removesuffix('_pass')}_socket_keepalive"
    value = option.words[1] if option is not None and len(option.words) > 1 else None
    if option is not None and (value is None or value.text not in ("on", "off")):
        raise option.source.error(option.start, f"{name}: not accepted here", "use on or off")
    asks = value is not None and value.text == "on"
    yield ConfiguredConnection(
        source,
        each.start,
        f"client to {shortened(target)}",
        asks=asks,
        closes=closes,
        unknown="" if asks else gap,
        remedy=partial(_turn_on, source, each, option, name),
        hint=_SYSTEM,
    )


def _turn_on(
    source: Source, each: Directive, option: Directive | None, name: str, to: Recommended
) -> Sequence[Edit]:
    if to.keepalive is None:
        return ()
    if option is None:
        line = source.text.rfind("\n", 0, each.start) + 1
        margin = source.text[line : each.start]
        gap = f"\n{margin}" if not margin.strip() else " "
        return [Edit(source, each.start, each.start, f"{name} on;{gap}")]
    value = option.words[1]
    return [] if value.text == "on" else [Edit(option.source, value.start, value.end, "on")]


def _nearest(each: Directive, name: str, found: Sequence[Directive]) -> Directive | None:
    for block in each.block.around():
        for other in found:
            if other.block is block and other.name == name:
                return other
    return None


def _closing(each: Directive, found: Sequence[Directive], stream: bool) -> SelfClosing | None:
    """After how long nginx closes it at the latest; None if a figure depends on the request."""
    if stream:
        nearest = _nearest(each, "proxy_timeout", found)
        timeouts = [] if nearest is None else [nearest]
        times = {} if timeouts else {"proxy_timeout": 600.0}
    else:
        times = {"keepalive_timeout": 75.0}
        timeouts = [
            other
            for other in found
            if other.name.endswith("_timeout") and not other.block.within("stream")
        ]
    for other in timeouts:
        said = other.words[1].text if len(other.words) > 1 else ""
        if "$" in said:
            return None
        figure = _seconds(said)
        if figure is None:
            raise other.source.error(
                other.start,
                f"{other.name}: {shortened(said)!r} is not accepted here",
                "use a time, for example 75s",
            )
        times[other.name] = max(times.get(other.name, 0.0), figure)
    longest = max(times, key=lambda name: times[name])
    return SelfClosing(times[longest], longest)


def _seconds(text: str) -> float | None:
    if not _TIME.fullmatch(text):
        return None
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))


READER = NginxReader()
