"""The system `tcp client`."""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from halfopen.fields import Duration, Endpoint, RealTimeout, Timer
from halfopen.model.topology import endpoint
from halfopen.ports import Feed, ProgramSpec, Ready, System, SystemContext
from halfopen.systems._keepalive import Keepalive, keepalive_argument, keepalive_timers
from halfopen.systems.tcp_server import PORT, seconds

_LAST_PORT = 65535
_OTHER_FILES = 32  # standard streams, log, event loop, libraries
MOST_CONNECTIONS = 28_000
"""From one address to one port (sysctl net.ipv4.ip_local_port_range: 32768 to 60999)."""


class TcpClient(System):
    """TCP client that sends lines over one or thousands of connections.

    Without options it does what naive programs do about dead connections: nothing.

    Attributes:
        to: the server's host.
        port: the server's TCP port.
        connections: that it holds; messages go out over them in turn.
        echo: the server sends each message back; what it has not when a connection dies is sent
            again.
        ack_timeout: how long the oldest message may wait to come back, with `echo`.
        keepalive: of its connections.
        user_timeout: TCP_USER_TIMEOUT of its connections.
        connect_timeout: how long an attempt to connect may take.
        backoff: between two attempts to connect, at first; it doubles, up to 60 times.
        local_port: of its first attempt to connect; each later one takes the next, so that none
            takes a port of before, which a middlebox may remember. None: whichever the kernel
            chooses.
    """

    name = "tcp client"
    summary = "minimal sender: one to thousands of connections, no keepalive unless set"
    role = "sender"

    to: Endpoint
    port: int = Field(default=PORT, ge=1, le=65535)
    connections: int = Field(default=1, ge=1, le=MOST_CONNECTIONS)
    echo: bool = False
    ack_timeout: RealTimeout = None
    keepalive: Keepalive = None
    user_timeout: RealTimeout = None
    connect_timeout: RealTimeout = 10.0
    backoff: Duration = 1.0
    local_port: int | None = Field(default=None, ge=1024, le=65535)

    @model_validator(mode="after")
    def _answers(self) -> Self:
        if self.ack_timeout is not None and not self.echo:
            raise ValueError("an ack timeout needs answers; add `echo: true`, here and there")
        return self

    @model_validator(mode="after")
    def _ports(self) -> Self:
        if self.local_port is not None and self.local_port + self.connections - 1 > _LAST_PORT:
            raise ValueError(
                f"{self.connections} ports do not fit above {self.local_port}; "
                f"start at {_LAST_PORT + 1 - self.connections} or below"
            )
        return self

    def timers(self) -> Sequence[Timer]:
        """The durations that decide verdicts."""
        timers = list(keepalive_timers(self.keepalive))
        for name, value in (("ack", self.ack_timeout), ("user", self.user_timeout)):
            if value is not None:
                timers.append(Timer(f"{name} timeout", value, "answer"))
        return timers

    def missing(self) -> Sequence[str]:
        """File descriptors for so many connections."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = self.connections + _OTHER_FILES
        if hard == resource.RLIM_INFINITY or wanted <= hard:
            return ()
        return (
            f"{self.connections} connections need {wanted} file descriptors, but a program here "
            f"may have {hard} (`ulimit -Hn`)",
        )

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        ledger = str(Path(context.ledger_directory or context.directory) / "ledger")
        argv = [sys.executable, "-m", "halfopen.guests.tcp_client", "--ledger", ledger]
        argv += ["--target", endpoint(context.addresses[self.to], self.port)]
        argv += ["--connections", str(self.connections), *["--echo"] * self.echo]
        argv += ["--keepalive", keepalive_argument(self.keepalive)]
        argv += ["--user-timeout", seconds(self.user_timeout)]
        argv += ["--ack-timeout", seconds(self.ack_timeout)]
        argv += ["--connect-timeout", seconds(self.connect_timeout)]
        # An attempt to connect takes real time, that no scale divides.
        first = max(self.backoff, 0.01)
        argv += ["--backoff", f"{first:g}", "--longest-backoff", f"{max(first * 60, 1):g}"]
        if self.local_port is not None:
            argv += ["--local-port", str(self.local_port)]
        return ProgramSpec(
            name="tcp-client",
            argv=tuple(argv),
            env={},
            ready=Ready(event="connected"),
            feed=Feed(),
            ledger=ledger,
            acks=self.echo,
            starts_within=30.0 + self.connections / 100,
        )
