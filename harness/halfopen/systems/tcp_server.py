"""The system `tcp server`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from halfopen.fields import RealTimeout, Timer
from halfopen.model.topology import endpoint
from halfopen.ports import ProgramSpec, Ready, System, SystemContext
from halfopen.systems._keepalive import Keepalive, keepalive_argument, server_timers

PORT = 7000


class TcpServer(System):
    """TCP server that writes lines to a file, and sends them back with `echo`.

    Without options it does what naive programs do about dead connections: nothing.

    Attributes:
        port: TCP port to listen on.
        echo: every line is sent back, after it was written.
        keepalive: of the accepted connections.
        user_timeout: TCP_USER_TIMEOUT of the accepted connections.
        idle_timeout: silence after which it closes a connection.
        backlog: of listen(2): connections that wait to be accepted.
    """

    name = "tcp server"
    summary = "minimal receiver: writes lines from TCP to a file, and echoes them on request"
    role = "receiver"

    port: int = Field(default=PORT, ge=1, le=65535)
    echo: bool = False
    keepalive: Keepalive = None
    user_timeout: RealTimeout = None
    idle_timeout: RealTimeout = None
    backlog: int = Field(default=128, ge=1, le=65535)

    def timers(self) -> Sequence[Timer]:
        """The durations that decide verdicts."""
        return server_timers(self.keepalive, self.user_timeout, self.idle_timeout)

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        output = str(Path(context.directory) / "messages")
        argv = [sys.executable, "-m", "halfopen.guests.tcp_server", "--output", output]
        argv += ["--listen", endpoint(context.address, self.port)]
        argv += ["--keepalive", keepalive_argument(self.keepalive)]
        argv += ["--user-timeout", seconds(self.user_timeout)]
        argv += ["--idle-timeout", seconds(self.idle_timeout), "--backlog", str(self.backlog)]
        argv += ["--echo"] * self.echo
        return ProgramSpec(
            name="tcp-server",
            argv=tuple(argv),
            env={},
            ready=Ready(event="listening"),
            output=output,
        )


def seconds(value: float | None) -> str:
    """As the program's options take it."""
    return "off" if value is None else f"{value:g}"
