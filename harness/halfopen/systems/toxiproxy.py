"""The system `toxiproxy`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pydantic import Field

from halfopen.fields import Endpoint
from halfopen.model.topology import endpoint
from halfopen.optional import TOXIPROXY
from halfopen.ports import Product, ProgramSpec, Ready, System, SystemContext

PROGRAM = "toxiproxy-server"
MODULE = "github.com/Shopify/toxiproxy/v2/cmd/server"
API_PORT = 8474
"""Its own default, and that of toxiproxy-python."""

_REMEDY = (
    f"put a release of it on the path as {PROGRAM}; or build it (apt-get install golang-go): "
    f"`go install {MODULE}@latest`, with a Go older than 1.23 `@v2.5.0`, then rename the `server` "
    f"that it makes to {PROGRAM}"
)


def find() -> str | None:
    """The server: where `make` put it, beside this Python, else on the path."""
    beside = Path(sys.executable).with_name(PROGRAM)
    return str(beside) if beside.exists() else shutil.which(PROGRAM)


@cache
def _version() -> str | None:
    program = find()
    if program is None:
        return None
    done = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30)
    version = done.stdout.strip().rpartition(" ")[2]
    return program if version in ("", "git") else version  # `go install` leaves the number out


class Toxiproxy(System):
    """Shopify's TCP proxy on a host of the path, with toxics as faults.

    It terminates every TCP connection and opens another one: what it forwards are bytes.  Keepalive
    probes, retransmissions and resets of one side never reach the other.

    Attributes:
        forwards: the host to which it forwards every connection.
        port: TCP port to listen on.
        target_port: of the host to which it forwards; the same by default.
    """

    name = "toxiproxy"
    summary = "TCP proxy with toxics, between the two ends of a path (Shopify's Toxiproxy)"
    role = "proxy"
    product = Product("Toxiproxy", _REMEDY, _version)

    forwards: Endpoint
    port: int = Field(ge=1, le=65535)
    target_port: int | None = Field(default=None, ge=1, le=65535)

    def missing(self) -> Sequence[str]:
        """What this machine lacks, each with its remedy."""
        lacking = () if find() else (f"the program {PROGRAM} is missing: {_REMEDY}",)
        return (*lacking, *TOXIPROXY.missing())  # the package sets its toxics

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        config = str(Path(context.directory) / "toxiproxy.json")
        target = endpoint(context.addresses[self.forwards], self.target_port or self.port)
        proxy = {
            "name": "proxy",
            "listen": endpoint(context.address, self.port),
            "upstream": target,
            "enabled": True,
        }
        argv = [find() or PROGRAM, "-host", "127.0.0.1", "-port", str(API_PORT), "-config", config]
        return ProgramSpec(
            name="toxiproxy",
            argv=(*argv, "-seed", str(context.seed)),
            env={},
            # It starts the proxies of its configuration before it listens there.
            ready=Ready(listening=API_PORT),
            files={config: json.dumps([proxy])},
        )
