"""The system `syslog-ng send`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from halfopen.fields import Endpoint, Keepalive, Timer, WholeSeconds, keepalive_timers
from halfopen.ports import Feed, ProgramSpec, Ready, System, SystemContext
from halfopen.products import syslog_ng
from halfopen.products.syslog_ng import DEFAULT_KEEPALIVE, PORT, keepalive_options


class SyslogNgSend(System):
    """syslog-ng that forwards messages over plain TCP.

    What no option sets is left to syslog-ng.

    Attributes:
        to: the receiver's host.
        port: the receiver's TCP port.
        keepalive: of its connection; syslog-ng's own default is 60 s, 10 s, 6 probes.
        time_reopen: between two attempts to connect.
    """

    name = "syslog-ng send"
    summary = "syslog-ng that forwards over plain TCP, fed through a Unix socket"
    role = "sender"
    product = syslog_ng.PRODUCT
    image = syslog_ng.IMAGE

    to: Endpoint
    port: int = Field(default=PORT, ge=1, le=65535)
    keepalive: Keepalive = DEFAULT_KEEPALIVE
    time_reopen: WholeSeconds = 60.0

    def timers(self) -> Sequence[Timer]:
        """The durations that decide verdicts."""
        return keepalive_timers(self.keepalive)

    def missing(self) -> Sequence[str]:
        """What this machine lacks, with its remedy."""
        return syslog_ng.missing()

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        source = f"{context.sockets}/halfopen-{context.host}.log"
        lines = [
            f'source in {{ unix-dgram("{source}" flags(syslog-protocol)); }};',
            f'destination out {{ network("{context.addresses[self.to]}" port({self.port})'
            f' transport("tcp") time-reopen({self.time_reopen:.0f})'
            f" {keepalive_options(self.keepalive)}); }};",
            "log { source(in); destination(out); };",
        ]
        found = syslog_ng.syslog_ng("syslog-ng-send", context, lines, Ready(exists=source))
        return replace(found, feed=Feed("unix datagram", source))
