"""The system `relpio receive`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from halfopen.fields import RealTimeout, Timer
from halfopen.model.topology import endpoint
from halfopen.ports import ProgramSpec, Ready, System, SystemContext
from halfopen.products.relpio import missing
from halfopen.systems._keepalive import Keepalive, keepalive_argument, keepalive_timers
from halfopen.systems.relpio_send import PORT


class RelpioReceive(System):
    """Our own RELP receiver, which writes messages to a file.

    Attributes:
        port: TCP port to listen on.
        keepalive: of the accepted connections.
        user_timeout: TCP_USER_TIMEOUT of the accepted connections.
    """

    name = "relpio receive"
    summary = "RELP receiver that acknowledges a message when its output file has it"
    role = "receiver"

    port: int = Field(default=PORT, ge=1, le=65535)
    keepalive: Keepalive = None
    user_timeout: RealTimeout = None

    def timers(self) -> Sequence[Timer]:
        """The durations that decide verdicts."""
        return keepalive_timers(self.keepalive)

    def missing(self) -> Sequence[str]:
        """What this machine lacks: it is a distribution of its own."""
        return missing()

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        output = str(Path(context.directory) / "messages")
        argv = [sys.executable, "-m", "relpio", "receive", "--output", output, "--log-json"]
        argv += ["--listen", endpoint(context.address, self.port)]
        argv += ["--keepalive", keepalive_argument(self.keepalive)]
        if self.user_timeout is not None:
            argv += ["--user-timeout", f"{self.user_timeout:g}"]
        return ProgramSpec(
            name="relpio-receive",
            argv=tuple(argv),
            env={},
            ready=Ready(event="listening"),
            output=output,
        )
