"""`tcp server`: writes lines to a file, and sends them back if it is told to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from halfopen.fields import RealTimeout, Section, Timer
from halfopen.model.topology import endpoint
from halfopen.ports import ProgramSpec, Ready, SystemContext, SystemSpec
from halfopen.systems._keepalive import Keepalive, keepalive_argument, keepalive_timers

PORT = 7000


class Options(Section):
    """What a scenario can set; by default it does what naive programs do: nothing.

    Attributes:
        port: TCP port to listen on.
        echo: every line is sent back, after it was written.
        keepalive: of the accepted connections.
        user_timeout: TCP_USER_TIMEOUT of the accepted connections.
        idle_timeout: silence after which it closes a connection.
        backlog: of listen(2): connections that wait to be accepted.
    """

    port: int = Field(default=PORT, ge=1, le=65535)
    echo: bool = False
    keepalive: Keepalive = None
    user_timeout: RealTimeout = None
    idle_timeout: RealTimeout = None
    backlog: int = Field(default=128, ge=1, le=65535)


def _timers(options: Options) -> Sequence[Timer]:
    timers = list(keepalive_timers(options.keepalive))
    if options.user_timeout is not None:
        timers.append(Timer("user timeout", options.user_timeout, "answer"))
    if options.idle_timeout is not None:
        timers.append(Timer("idle timeout", options.idle_timeout, "silence"))
    return timers


def seconds(value: float | None) -> str:
    """As the subjects' options take it."""
    return "off" if value is None else f"{value:g}"


def _program(options: Options, context: SystemContext) -> ProgramSpec:
    output = str(Path(context.directory) / "messages")
    argv = [sys.executable, "-m", "halfopen.subjects.tcp_server", "--output", output]
    argv += ["--listen", endpoint(context.address, options.port)]
    argv += ["--keepalive", keepalive_argument(options.keepalive)]
    argv += ["--user-timeout", seconds(options.user_timeout)]
    argv += ["--idle-timeout", seconds(options.idle_timeout), "--backlog", str(options.backlog)]
    argv += ["--echo"] * options.echo
    return ProgramSpec(
        name="tcp-server",
        argv=tuple(argv),
        env={},
        ready=Ready(event="listening"),
        output=output,
    )


SYSTEM = SystemSpec(
    name="tcp server",
    summary="the smallest receiver: takes lines over TCP, and echoes them if it is told to",
    role="receiver",
    options=Options,
    program=_program,
    timers=_timers,
)
