"""rsyslog's configuration files: what it forwards, to whom, and what it listens on.

They are read as `halfopen advise --config` reads them.  A client of rsyslog is a connection that
was not seen: its own port is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from halfopen.advice.config_files import read_source
from halfopen.advice.configs.rsyslog import RsyslogConnection, rsyslog_connections
from halfopen.errors import InputError, Problem
from halfopen.importing.facts import (
    End,
    Facts,
    SeenConnection,
    SeenKeepalive,
    SeenListener,
    SeenOption,
    SourcedNumber,
)
from halfopen.products.rsyslog.queue import Queue, queue_of
from halfopen.sections import say_duration

_PROGRAM = "rsyslogd"
_HERE = "this machine"
_RELP = ("omrelp", "imrelp")
_OLD_FORWARD = "@@"
_ATTEMPTS = "action.resumeretrycount", "actionresumeretrycount"


def read_rsyslog(paths: Sequence[Path], facts: Facts) -> None:
    """Add what the files of one rsyslog say together.

    Raises:
        InputError: a file does not parse, or describes no TCP connection.
    """
    sources = [read_source(str(path)) for path in paths]
    found = list(rsyslog_connections(sources))
    if not found:
        raise InputError(
            [
                Problem(
                    sources[0].path,
                    1,
                    "no TCP connection is described here",
                    "give the file with the forwarding actions or the TCP inputs, too",
                )
            ]
        )
    for each in found:
        if each.target:
            facts.connections.append(_forward(each))
        else:
            port = _port(each)
            old = facts.listeners.get(port)
            listener = old or SeenListener(port, _PROGRAM, each.configured.place)
            where = each.configured.place
            facts.listeners[port] = replace(
                listener,
                program=listener.program or _PROGRAM,
                keepalive=_keepalive(each),
                options=(SeenOption("input", each.module, where),),
                relp=each.module in _RELP,
            )


def _forward(each: RsyslogConnection) -> SeenConnection:
    where = each.configured.place
    module = "omfwd" if each.module == _OLD_FORWARD else each.module
    return SeenConnection(
        End(_HERE, 0),
        End(each.target.strip("[]"), _port(each)),
        where,
        programs={"client": _PROGRAM},
        keepalive={"client": seen} if (seen := _keepalive(each)) else {},
        options=(SeenOption("output", module, where), *_action(each, where)),
        relp=module in _RELP,
    )


def _port(each: RsyslogConnection) -> int:
    port = each.port
    if not (port.isascii() and port.isdecimal() and len(port) < 6 and 1 <= int(port) <= 65535):
        source, offset = each.configured.source, each.configured.offset
        raise source.error(offset, f"{port[:40]!r} is not the number of a port", "write its number")
    return int(port)


def _keepalive(each: RsyslogConnection) -> SeenKeepalive | None:
    configured, where = each.configured, each.configured.place
    if configured.unknown:
        return None
    timers = configured.timers
    figures = (timers.idle, timers.interval, timers.probes)
    return SeenKeepalive(
        where,
        asked=configured.asks,
        written=tuple(None if f is None else SourcedNumber(float(f), where) for f in figures),
    )


def _action(each: RsyslogConnection, where: str) -> Iterator[SeenOption]:
    """Options of the action: its queue, and how often it tries again."""
    old = each.module == _OLD_FORWARD
    note = f"{where}, from the $Action... directives before it" if old else where
    attempts = each.parameters.get(_ATTEMPTS[old], "")
    if re.fullmatch(r"-1|[0-9]{1,9}", attempts):
        yield SeenOption("resume retry count", attempts, note)
    try:
        queue = queue_of(each.parameters, "actionqueue" if old else "")
    except ValueError as error:
        yield SeenOption("queue", "", f"not known: the queue is not taken over, {error} ({where})")
        return
    if queue is not None:
        yield SeenOption("queue", _queue(queue), note)


def _queue(queue: Queue) -> str:
    """As a scenario has it."""
    given: Mapping[str, object] = queue.model_dump(exclude_none=True)
    parts = []
    for field, value in given.items():
        if isinstance(value, bool):
            said = str(value).lower()
        elif field in ("max_disk_space", "max_file_size") and isinstance(value, int):
            said = f"{value} bytes"
        else:
            said = say_duration(value) if isinstance(value, float) else str(value)
        parts.append(f"{field.replace('_', ' ')}: {said}")
    return f"{{ {', '.join(parts)} }}"
