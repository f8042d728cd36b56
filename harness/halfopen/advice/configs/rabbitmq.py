"""RabbitMQ: `rabbitmq.conf`, and `advanced.config` (the old `rabbitmq.config`).

RabbitMQ's manual, "Networking" and "Detecting Dead TCP Connections with Heartbeats and TCP
Keepalives": `tcp_listen_options.keepalive` is false unless set and asks with the system's timers;
the advanced file may set them as `{raw, 6, NUMBER, <<SECONDS:32/native>>}` (netinet/tcp.h: 4, 5 and
6).  `heartbeat`, 60 s unless set, 0 for none, is what the server suggests; most clients use the
lower of two values, and some can decline.  rabbit_heartbeat.erl: the server looks every half of it
whether anything was sent, so that a frame is sent after `heartbeat` seconds of silence at the
latest, and gives a peer up after two to three times as long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from halfopen.advice.config_model import (
    ConfigReader,
    ConfiguredConnection,
    ConfiguredTimers,
    Edit,
    OwnTraffic,
    Recommended,
    Source,
)
from halfopen.advice.configs._erlang import Term, terms
from halfopen.advice.configs._lines import Setting, entries_of, one_of, put, shortened, whole

_LINE = re.compile(r"\s*(?P<key>[\w.$/-]+)\s*=\s*(?P<value>'[^']*'|[^#]*?)\s*(?:#.*)?")
_HEARTBEAT, _KEEPALIVE = "heartbeat", "tcp_listen_options.keepalive"
_DEFAULT = 60
_LISTENER = re.compile(r"listeners\.(tcp|ssl)(\.[\w-]+)?")
_OTHERS = re.compile(r"(mqtt|stomp|stream|web_mqtt|web_stomp)\.(listeners|ssl|tcp)\b.*")
_RAW = {"4": "idle", "5": "interval", "6": "probes"}  # TCP_KEEPIDLE, _KEEPINTVL, _KEEPCNT
_NATIVE = re.compile(r"<<\s*(\d{1,9})\s*:\s*32\s*/\s*(?:native|little)(?:-\w+)*\s*>>", re.ASCII)
_LOCAL = ("127.", "::1", "localhost")


@dataclass
class _Settings:
    """What the files say together; the advanced file comes last."""

    heartbeat: Setting | None = None
    keepalive: Setting | None = None
    timers: dict[str, int] = field(default_factory=dict)
    listeners: list[tuple[str, Setting]] = field(default_factory=list)
    silenced: set[str] = field(default_factory=set)
    others: list[Setting] = field(default_factory=list)
    unknown: str = ""


class RabbitmqReader(ConfigReader):
    """Reader of the server's files."""

    name = "rabbitmq"
    files = ("rabbitmq*.conf", "rabbitmq/conf.d/*.conf", "rabbitmq*.config", "advanced.config")

    def recognises(self, text: str) -> bool:
        """Whether it sets what only this server has."""
        known = (
            r"^\s*(listeners\.(tcp|ssl)|tcp_listen_options\.\w+|vm_memory_high_watermark|"
            r"cluster_formation|default_vhost)[\w.]*\s*=|^\s*\[?\s*\{\s*rabbit\s*,"
        )
        return re.search(known, text, re.MULTILINE) is not None

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """Its listeners."""
        plain = [each for each in sources if not _is_advanced(each)]
        entries = [
            each for source in plain for each in entries_of(source, _LINE, "#", "name = value")
        ]
        found = _Settings()
        for entry in entries:
            _take(entry, found)
        for source in sources:
            if _is_advanced(source):
                _take_advanced(source, found)
        yield from _listeners(sources, entries, found)


def _is_advanced(source: Source) -> bool:
    return (
        source.path.endswith(".config") or re.match(r"\s*(%[^\n]*\s*)*\[", source.text) is not None
    )


def _take(entry: Setting, found: _Settings) -> None:
    if listener := _LISTENER.fullmatch(entry.key):
        if listener[2] is None and entry.value == "none":
            found.silenced.add(listener[1])
        else:
            found.listeners.append((listener[1], entry))
    elif entry.key == _HEARTBEAT:
        found.heartbeat = entry
    elif entry.key == _KEEPALIVE:
        found.keepalive = entry
    elif _OTHERS.fullmatch(entry.key) and "options" not in entry.key:
        found.others.append(entry)


def _take_advanced(source: Source, found: _Settings) -> None:
    def setting(name: str, term: Term) -> Setting:
        return Setting(source, name, term.text, term.start, (term.start, term.end))

    for rabbit in (value for each in terms(source) if (value := each.value("rabbit"))):
        if heartbeat := rabbit.value("heartbeat"):
            found.heartbeat = setting("heartbeat", heartbeat)
        for kind in ("tcp", "ssl"):
            listeners = rabbit.value(f"{kind}_listeners")
            if listeners is not None:
                found.silenced.add(kind)
                for each in listeners.items:
                    words = [item.text for item in each.items] or [each.text]
                    one = Setting(source, kind, ":".join(words), each.start, (each.start, each.end))
                    found.listeners.append((kind, one))
        options = rabbit.value("tcp_listen_options")
        for each in options.items if options else ():
            words = [item.text for item in each.items]
            if words[:1] == ["keepalive"] and len(words) == 2:
                found.keepalive = setting(_KEEPALIVE, each.items[1])
            elif words[:2] == ["raw", "6"] and len(words) == 4 and words[2] in _RAW:
                figure = _NATIVE.fullmatch(words[3])
                if figure is None:
                    line = source.line(each.start)
                    found.unknown = f"line {line} sets a timer of keepalive in a form not known"
                else:
                    found.timers[_RAW[words[2]]] = int(figure[1])


def _listeners(
    sources: Sequence[Source], entries: Sequence[Setting], found: _Settings
) -> Iterator[ConfiguredConnection]:
    asks = found.keepalive is not None and one_of(found.keepalive, ("true",), ("false",))
    seconds = _DEFAULT if found.heartbeat is None else whole(found.heartbeat)
    traffic = None
    if seconds:
        by = f"{_HEARTBEAT}: a frame of AMQP, unless the client declines heartbeats"
        traffic = OwnTraffic(seconds, by, 3.0 * seconds)
    ports: list[tuple[str, Setting | None]] = [
        (shortened(each.value), each)
        for kind, each in found.listeners
        if kind in found.silenced or each.value != "none"
    ]
    if "tcp" not in found.silenced and not any(
        kind == "tcp" and each.key in ("listeners.tcp.default", "listeners.tcp")
        for kind, each in found.listeners
    ):
        ports.insert(0, ("5672", None))
    anchor = found.heartbeat or found.keepalive
    for port, entry in ports:
        if port.startswith(_LOCAL):
            continue
        place = entry or anchor
        yield ConfiguredConnection(
            place.source if place else sources[0],
            place.start if place else 0,
            f"listener {port} (AMQP)",
            asks,
            ConfiguredTimers(*(found.timers.get(each) or None for each in _RAW.values())),
            traffic=traffic,
            unknown=found.unknown,
            remedy=lambda to: _edits(sources, entries, found.heartbeat, to),
        )
    for entry in found.others:
        yield ConfiguredConnection(
            entry.source,
            entry.start,
            f"listener {shortened(entry.value)} ({entry.key.partition('.')[0]})",
            asks=False,
            unknown="each client of this protocol chooses its own keepalive",
        )


def _edits(
    sources: Sequence[Source],
    entries: Sequence[Setting],
    heartbeat: Setting | None,
    to: Recommended,
) -> Sequence[Edit]:
    """A heartbeat that is in time."""
    if to.silence < 1:
        return ()
    value = str(min(_DEFAULT, to.silence))
    if heartbeat is not None:
        return [Edit(heartbeat.source, *heartbeat.span, value)]
    plain = [each for each in sources if not _is_advanced(each)]
    return put(plain[-1], entries, {_HEARTBEAT: value}, "{key} = {value}") if plain else ()


READER = RabbitmqReader()
