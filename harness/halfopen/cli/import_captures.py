"""`halfopen import`: a starting scenario from what a machine in trouble shows."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from halfopen.errors import InputError, OutputError, UsageError
from halfopen.importing import RSYSLOG, Draft, draft, read_inputs
from halfopen.labs import lab_named
from halfopen.model.units import format_duration
from halfopen.scenario import load_scenario, make_plans
from halfopen.scenario.library import SUFFIX
from halfopen.vocabulary import default_vocabulary

Files = list[Path] | None


def import_captures(
    ss: Annotated[
        Files, typer.Option(metavar="FILE", help="Output of `ss -tanpo` or `ss -tnoi`.")
    ] = None,
    conntrack: Annotated[
        Files, typer.Option(metavar="FILE", help="Output of `conntrack -L`.")
    ] = None,
    sysctl: Annotated[
        Files, typer.Option(metavar="FILE", help="Output of `sysctl -a`, or a part of it.")
    ] = None,
    pcap: Annotated[
        Files, typer.Option(metavar="FILE", help="A capture, pcap or pcapng: `tcpdump -w`.")
    ] = None,
    rsyslog: Annotated[
        Files,
        typer.Option(metavar="FILE", help="Configuration of rsyslog: what it forwards and takes."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The scenario to write; it must not exist.")] = Path(
        f"imported{SUFFIX}"
    ),
) -> None:
    """Write a starting scenario from ss, conntrack, sysctl, a capture, or rsyslog's configuration.

    It says where each figure comes from, which firewall would explain what was seen, and what is
    not known. Each option may be repeated; at least one is needed.

    Example: halfopen import --ss ss.txt --sysctl sysctl.txt --pcap trouble.pcap
    """
    kinds = {"ss": ss, "conntrack": conntrack, "sysctl": sysctl, "pcap": pcap, RSYSLOG: rsyslog}
    files = [(kind, path) for kind, paths in kinds.items() for path in paths or ()]
    if not files:
        *names, last = (f"--{kind}" for kind in kinds)
        raise UsageError(f"no input; give at least one of {', '.join(names)} and {last}")
    if not out.name.endswith(SUFFIX):
        raise UsageError(f"--out {out}: the name must end with {SUFFIX}")
    if out.exists():
        raise UsageError(f"{out} exists already; give another name with --out")
    facts = read_inputs(files)
    made = draft(facts, default_vocabulary().profiles, [str(path) for _, path in files])
    text = playable(made)
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{out} exists already; give another name with --out") from None
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror}") from None
    best = made.best[0]
    typer.echo(f"understood: {facts}")
    typer.echo(
        f"wrote {out}: port {made.server_port}, firewall {best.profile}, "
        f"{format_duration(made.silence)} of silence"
    )
    typer.echo(f"look at what is marked `not known`, then: halfopen run {out}")


def playable(made: Draft) -> str:
    """The text, with the largest of some scales that keeps the order of the scenario's timers."""
    vocabulary = default_vocabulary()
    lab = lab_named("netns")
    scale = made.scale
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"draft{SUFFIX}"
        while True:
            text = made.text(scale)
            path.write_text(text, encoding="utf-8")
            try:
                make_plans(load_scenario(path, vocabulary), lab=lab, scale=None, seed=0)
            except InputError:
                if scale == 1:
                    raise
                scale = max(1.0, float(f"{scale / 2:.2g}"))
            else:
                return text
