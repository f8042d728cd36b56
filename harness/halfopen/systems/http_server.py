"""The system `http server`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from halfopen.fields import Duration, RealTimeout, Timer
from halfopen.model.topology import endpoint
from halfopen.ports import ProgramSpec, Ready, System, SystemContext
from halfopen.systems._keepalive import Keepalive, keepalive_argument, server_timers
from halfopen.systems.tcp_server import seconds

PORT = 8080


class HttpServer(System):
    """HTTP/1.1 server that keeps connections open, and answers a POST with what it was sent.

    The body of each POST or PUT is a message that it has received, written before it is answered.

    Attributes:
        port: TCP port to listen on.
        status: of each answer.
        answer_after: how long each answer takes.
        idle_timeout: silence after which it closes a connection (nginx: `keepalive_timeout`, 75 s;
            Node.js: `server.keepAliveTimeout`, 5 s).
        keepalive: TCP keepalive of the accepted connections.
        user_timeout: TCP_USER_TIMEOUT of the accepted connections.
        backlog: of listen(2): connections that wait to be accepted.
    """

    name = "http server"
    summary = "HTTP/1.1 server that keeps connections open and answers with what it was sent"
    role = "receiver"

    port: int = Field(default=PORT, ge=1, le=65535)
    status: int = Field(default=200, ge=200, le=599)
    answer_after: Duration = 0.0
    idle_timeout: RealTimeout = None
    keepalive: Keepalive = None
    user_timeout: RealTimeout = None
    backlog: int = Field(default=128, ge=1, le=65535)

    def timers(self) -> Sequence[Timer]:
        """The durations that decide verdicts."""
        return server_timers(self.keepalive, self.user_timeout, self.idle_timeout)

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        output = str(Path(context.directory) / "messages")
        argv = [sys.executable, "-m", "halfopen.guests.http_server", "--output", output]
        argv += ["--listen", endpoint(context.address, self.port), "--status", str(self.status)]
        argv += ["--answer-after", f"{self.answer_after:g}"]
        argv += ["--idle-timeout", seconds(self.idle_timeout)]
        argv += ["--keepalive", keepalive_argument(self.keepalive)]
        argv += ["--user-timeout", seconds(self.user_timeout), "--backlog", str(self.backlog)]
        return ProgramSpec(
            name="http-server",
            argv=tuple(argv),
            env={},
            ready=Ready(event="listening"),
            output=output,
        )
