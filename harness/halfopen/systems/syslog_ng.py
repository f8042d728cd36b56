"""`syslog-ng send`, `syslog-ng receive`: plain TCP syslog by another implementation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from halfopen.fields import Keepalive, Section, Timer, WholeSeconds, keepalive_timers
from halfopen.ports import Feed, ProgramSpec, Ready, SystemContext, SystemSpec
from halfopen.products import syslog_ng
from halfopen.products.syslog_ng import DEFAULT_KEEPALIVE, PORT, keepalive_options


class SendOptions(Section):
    """What a scenario can set; the rest is as syslog-ng has it.

    Attributes:
        to: the receiver's host.
        port: the receiver's TCP port.
        keepalive: of its connection; syslog-ng's own default is 60 s, 10 s, 6 probes.
        time_reopen: between two attempts to connect.
    """

    to: str
    port: int = Field(default=PORT, ge=1, le=65535)
    keepalive: Keepalive = DEFAULT_KEEPALIVE
    time_reopen: WholeSeconds = 60.0


class ReceiveOptions(Section):
    """What a scenario can set; the rest is as syslog-ng has it.

    Attributes:
        port: TCP port to listen on.
        keepalive: of the accepted connections; syslog-ng's own default is 60 s, 10 s, 6 probes.
        max_connections: at once; syslog-ng's own default is 10.
    """

    port: int = Field(default=PORT, ge=1, le=65535)
    keepalive: Keepalive = DEFAULT_KEEPALIVE
    max_connections: int | None = Field(default=None, ge=1)


def _timers(options: Any) -> Sequence[Timer]:
    return keepalive_timers(options.keepalive)


def _send(options: SendOptions, context: SystemContext) -> ProgramSpec:
    source = f"{context.sockets}/halfopen-{context.host}.log"
    lines = [
        f'source in {{ unix-dgram("{source}" flags(syslog-protocol)); }};',
        f'destination out {{ network("{context.addresses[options.to]}" port({options.port})'
        f' transport("tcp") time-reopen({options.time_reopen:.0f})'
        f" {keepalive_options(options.keepalive)}); }};",
        "log { source(in); destination(out); };",
    ]
    found = syslog_ng.syslog_ng("syslog-ng-send", context, lines, Ready(exists=source))
    return replace(found, feed=Feed("unix datagram", source))


def _receive(options: ReceiveOptions, context: SystemContext) -> ProgramSpec:
    output = f"{context.directory}/messages"
    most = options.max_connections
    limit = "" if most is None else f" max-connections({most})"
    lines = [
        f'source in {{ network(ip("{context.address}") port({options.port}) transport("tcp")'
        f" flags(no-parse){limit} {keepalive_options(options.keepalive)}); }};",
        f'destination out {{ file("{output}" template("${{MSG}}\\n")); }};',
        "log { source(in); destination(out); };",
    ]
    ready = Ready(listening=options.port)
    return replace(syslog_ng.syslog_ng("syslog-ng-receive", context, lines, ready), output=output)


SYSTEM = (
    SystemSpec(
        name="syslog-ng send",
        summary="syslog-ng that forwards over plain TCP, fed through a Unix socket",
        role="sender",
        options=SendOptions,
        program=_send,
        hosts=lambda options: (options.to,),
        timers=_timers,
        missing=syslog_ng.missing,
        product=syslog_ng.PRODUCT,
        image=syslog_ng.IMAGE,
    ),
    SystemSpec(
        name="syslog-ng receive",
        summary="syslog-ng that takes messages over plain TCP and writes them to a file",
        role="receiver",
        options=ReceiveOptions,
        program=_receive,
        timers=_timers,
        missing=syslog_ng.missing,
        product=syslog_ng.PRODUCT,
        image=syslog_ng.IMAGE,
    ),
)
