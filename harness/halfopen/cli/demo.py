"""`halfopen demo`: the first incident of the library, wherever halfopen is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from halfopen.cli.completion import labs
from halfopen.cli.run import run
from halfopen.scenario.library import MARK

SCENARIO = "incidents/fortigate-idle-relp"


def demo(
    lab: Annotated[
        str,
        typer.Option(
            help="netns, docker or warp; auto: warp where it can, else netns.",
            autocompletion=labs,
        ),
    ] = "netns",
    out: Annotated[Path, typer.Option(help="Directory for histories and the report.")] = Path(
        "out/demo"
    ),
) -> None:
    """Play the first incident of the library: an hour of silence behind a FortiGate.

    A RELP sender is silent for longer than the firewall remembers its connection. Its variants show
    what becomes of its messages and of the receiver's file descriptors, with and without keepalive.
    """
    run([Path(f"{MARK}{SCENARIO}")], lab=lab, out=out)
