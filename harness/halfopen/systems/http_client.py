"""The system `http client`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from halfopen.fields import Duration, Endpoint, RealTimeout, Timer
from halfopen.model.topology import endpoint
from halfopen.optional import HTTPX
from halfopen.ports import Feed, ProgramSpec, Ready, System, SystemContext
from halfopen.systems._keepalive import Keepalive, keepalive_argument, keepalive_timers
from halfopen.systems.http_server import PORT
from halfopen.systems.tcp_server import seconds


class HttpClient(System):
    """HTTP client with a pool of connections (httpx): each message that it is sent is a request.

    The message is the body of a POST or PUT; the request is acknowledged when it is answered with
    a status below 400.  What becomes of each request is recorded for the check `operations`.  The
    defaults are httpx's own.

    Attributes:
        to: the server's host.
        port: the server's TCP port.
        path: of the URL.
        method: of the requests.
        echo: an answer that is not what was sent is wrong; `http server` answers so.
        connections: that the pool holds at most, and requests that are under way at once.
        timeout: how long connecting, sending, and waiting for the next bytes of the answer may
            each take.
        idle_expiry: how long the pool keeps an idle connection to use it again; off: forever.
        retries: how often a request is sent again that failed or was not answered.
        retry_after: how long it waits before it sends one again.
        keepalive: TCP keepalive of its connections.
        user_timeout: TCP_USER_TIMEOUT of its connections.
    """

    name = "http client"
    summary = "HTTP client with a pool of connections (httpx): each message is a request"
    role = "sender"

    to: Endpoint
    port: int = Field(default=PORT, ge=1, le=65535)
    path: str = Field(default="/", pattern="^/[!-~]*$")
    method: Literal["POST", "PUT", "GET", "HEAD"] = "POST"
    echo: bool = False
    connections: int = Field(default=1, ge=1, le=1000)
    timeout: RealTimeout = 5.0
    idle_expiry: RealTimeout = 5.0
    retries: int = Field(default=0, ge=0, le=100)
    retry_after: Duration = 0.0
    keepalive: Keepalive = None
    user_timeout: RealTimeout = None

    @model_validator(mode="after")
    def _bodies(self) -> Self:
        if self.echo and self.method not in ("POST", "PUT"):
            raise ValueError(f"a {self.method} sends nothing that could come back; use POST or PUT")
        return self

    def timers(self) -> Sequence[Timer]:
        """The durations that decide verdicts."""
        timers = list(keepalive_timers(self.keepalive))
        for name, value in (("answer", self.timeout), ("user", self.user_timeout)):
            if value is not None:
                timers.append(Timer(f"{name} timeout", value, "answer"))
        if self.idle_expiry is not None:
            timers.append(Timer("idle expiry", self.idle_expiry, "silence"))
        return timers

    def missing(self) -> Sequence[str]:
        """What this machine lacks, each with its remedy."""
        return HTTPX.missing()

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        ledger = str(Path(context.ledger_directory or context.directory) / "ledger")
        argv = [sys.executable, "-m", "halfopen.guests.http_client", "--ledger", ledger]
        argv += ["--target", endpoint(context.addresses[self.to], self.port)]
        argv += ["--path", self.path, "--method", self.method, *["--echo"] * self.echo]
        argv += ["--connections", str(self.connections), "--timeout", seconds(self.timeout)]
        argv += ["--idle-expiry", seconds(self.idle_expiry)]
        argv += ["--retries", str(self.retries), "--retry-after", f"{self.retry_after:g}"]
        argv += ["--keepalive", keepalive_argument(self.keepalive)]
        argv += ["--user-timeout", seconds(self.user_timeout)]
        return ProgramSpec(
            name="http-client",
            argv=tuple(argv),
            env={},
            ready=Ready(event="ready"),
            feed=Feed(),
            ledger=ledger,
            acks=True,
        )
