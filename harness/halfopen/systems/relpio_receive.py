"""`relpio receive`: our own RELP receiver, which writes messages to a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from halfopen.fields import RealTimeout, Section, Timer
from halfopen.model.topology import endpoint
from halfopen.ports import ProgramSpec, Ready, SystemContext, SystemSpec
from halfopen.systems._keepalive import Keepalive, keepalive_argument, keepalive_timers
from halfopen.systems.relpio_send import PORT


class Options(Section):
    """What a scenario can set.

    Attributes:
        port: TCP port to listen on.
        keepalive: of the accepted connections.
        user_timeout: TCP_USER_TIMEOUT of the accepted connections.
    """

    port: int = Field(default=PORT, ge=1, le=65535)
    keepalive: Keepalive = None
    user_timeout: RealTimeout = None


def _timers(options: Options) -> Sequence[Timer]:
    return keepalive_timers(options.keepalive)


def _program(options: Options, context: SystemContext) -> ProgramSpec:
    output = str(Path(context.directory) / "messages")
    argv = [sys.executable, "-m", "relpio", "receive", "--output", output, "--log-json"]
    argv += ["--listen", endpoint(context.address, options.port)]
    argv += ["--keepalive", keepalive_argument(options.keepalive)]
    if options.user_timeout is not None:
        argv += ["--user-timeout", f"{options.user_timeout:g}"]
    return ProgramSpec(
        name="relpio-receive",
        argv=tuple(argv),
        env={},
        ready=Ready(event="listening"),
        output=output,
    )


SYSTEM = SystemSpec(
    name="relpio receive",
    summary="RELP receiver that acknowledges what its output file has taken",
    role="receiver",
    options=Options,
    program=_program,
    timers=_timers,
)
