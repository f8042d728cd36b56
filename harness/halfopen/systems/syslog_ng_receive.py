"""The system `syslog-ng receive`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from halfopen.fields import Keepalive, Timer, keepalive_timers
from halfopen.ports import ProgramSpec, Ready, System, SystemContext
from halfopen.products import syslog_ng
from halfopen.products.syslog_ng import DEFAULT_KEEPALIVE, PORT, keepalive_options


class SyslogNgReceive(System):
    """syslog-ng that receives messages over plain TCP and writes them to a file.

    What no option sets is left to syslog-ng.

    Attributes:
        port: TCP port to listen on.
        keepalive: of the accepted connections; syslog-ng's own default is 60 s, 10 s, 6 probes.
        max_connections: at once; syslog-ng's own default is 10.
    """

    name = "syslog-ng receive"
    summary = "syslog-ng that receives messages over plain TCP and writes them to a file"
    role = "receiver"
    product = syslog_ng.PRODUCT
    image = syslog_ng.IMAGE

    port: int = Field(default=PORT, ge=1, le=65535)
    keepalive: Keepalive = DEFAULT_KEEPALIVE
    max_connections: int | None = Field(default=None, ge=1)

    def timers(self) -> Sequence[Timer]:
        """The durations that decide verdicts."""
        return keepalive_timers(self.keepalive)

    def missing(self) -> Sequence[str]:
        """What this machine lacks, with its remedy."""
        return syslog_ng.missing()

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        output = f"{context.directory}/messages"
        most = self.max_connections
        limit = "" if most is None else f" max-connections({most})"
        lines = [
            f'source in {{ network(ip("{context.address}") port({self.port}) transport("tcp")'
            f" flags(no-parse){limit} {keepalive_options(self.keepalive)}); }};",
            f'destination out {{ file("{output}" template("${{MSG}}\\n")); }};',
            "log { source(in); destination(out); };",
        ]
        ready = Ready(listening=self.port)
        found = syslog_ng.syslog_ng("syslog-ng-receive", context, lines, ready)
        return replace(found, output=output)
