"""`halfopen advise`: do these settings fit these firewalls?"""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer
from rich.console import Console

from halfopen.advice import Settings, read_hop
from halfopen.advice import advise as judge
from halfopen.advice.proof import print_proof, proof_record, prove_advice
from halfopen.advice.record import as_record
from halfopen.advice.text import print_advice
from halfopen.cli.advise_config import AdviceFormat, advise_configuration
from halfopen.cli.completion import firewalls
from halfopen.cli.keepalive import read_keepalive
from halfopen.errors import UsageError
from halfopen.kernel import HZ, HZS, Stack
from halfopen.kernel.retransmission import RETRIES2
from halfopen.vocabulary import default_vocabulary

_LONGEST_USER_TIMEOUT = 2**31 - 1  # milliseconds; tcp(7): an int
_MOST_RETRIES2 = 255  # net/ipv4/sysctl_net_ipv4.c: a u8


def advise(
    firewall: Annotated[
        list[str],
        typer.Option(
            metavar="PROFILE|SECONDS",
            help="A profile (fortigate), its name with your own timeout (fortigate=1800), a "
            "profile's file, or seconds; repeat it for each firewall on the path, nearest first.",
            autocompletion=firewalls,
        ),
    ],
    keepalive: Annotated[
        str,
        typer.Option(
            metavar="T/I/P",
            help="Time before the first probe, time between probes, number of probes (1800/75/9, "
            "30min/75s/9); on for the system's 7200/75/9; off.",
        ),
    ] = "off",
    user_timeout: Annotated[
        int, typer.Option(metavar="MS", help="TCP_USER_TIMEOUT in milliseconds; 0 for none.")
    ] = 0,
    retries2: Annotated[int, typer.Option(help="Sysctl net.ipv4.tcp_retries2.")] = RETRIES2,
    hz: Annotated[int, typer.Option(help="Kernel ticks per second (CONFIG_HZ).")] = HZ,
    config: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[KIND=]FILE",
            help="Judge the connections that this configuration file describes, instead of "
            "--keepalive (rsyslog.conf, sshd_config, sysctl.conf ...), or a postgresql:// string; "
            "repeat it for each file.",
        ),
    ] = None,
    pid: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Judge the TCP connections that this process has now, by the options of its "
            "sockets; one of yours, or any as root. Repeat it for each process.",
        ),
    ] = None,
    form: Annotated[
        AdviceFormat | None,
        typer.Option("--format", help="text, json; with --config also sarif and github."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As --format json.")] = False,
    prove: Annotated[
        str | None,
        typer.Option(metavar="LAB", help="Also run it, scaled, in this lab (netns), and compare."),
    ] = None,
) -> None:
    """Show whether an idle connection survives these firewalls, and when a dead peer is found.

    Exit status: 0 it survives (with --config and --pid: each that can be judged, and one can); 1 it
    does not, or the proof contradicted the prediction; 2 invalid input; 3 --prove is not supported
    on this machine.
    """
    if form is None:
        form = AdviceFormat.JSON if json else AdviceFormat.TEXT
    elif json and form is not AdviceFormat.JSON:
        raise UsageError(f"--json and --format {form}: use one of them")
    profiles = default_vocabulary().profiles
    hops = [read_hop(each, profiles) for each in firewall]
    settings = _settings(keepalive, user_timeout, retries2, hz)
    if config or pid:
        if keepalive != "off" or user_timeout or prove is not None:
            said = "--config: the files say" if config else "--pid: the sockets say"
            raise UsageError(
                f"{said} what is set; leave out --keepalive, --user-timeout and --prove"
            )
        if pid and form not in (AdviceFormat.TEXT, AdviceFormat.JSON):
            raise UsageError(f"--format {form} is for files; with --pid use text or json")
        status = advise_configuration(hops, config or (), pid or (), settings.stack, form)
        raise typer.Exit(status)
    if form not in (AdviceFormat.TEXT, AdviceFormat.JSON):
        raise UsageError(f"--format {form} needs --config; use text or json")
    advice = judge(hops, settings)
    if prove not in (None, "netns"):
        raise UsageError(f"--prove {prove!r}: unknown lab; use netns")
    proof = None if prove is None else prove_advice(advice)
    if form is AdviceFormat.JSON:
        proved = {} if proof is None else {"proof": proof_record(proof)}
        typer.echo(json_module.dumps({**as_record(advice), **proved}, indent=2))
    else:
        console = Console()
        print_advice(advice, console)
        if proof is not None:
            print_proof(proof, console)
    raise typer.Exit(0 if advice.safe and (proof is None or proof.agrees) else 1)


def _settings(keepalive: str, user_timeout: int, retries2: int, hz: int) -> Settings:
    for name, value, most in (
        ("user-timeout", user_timeout, _LONGEST_USER_TIMEOUT),
        ("retries2", retries2, _MOST_RETRIES2),
    ):
        if not 0 <= value <= most:
            raise UsageError(f"--{name} {value} is out of range; use 0 to {most}")
    if hz not in HZS:
        raise UsageError(
            f"--hz {hz} is not a value of CONFIG_HZ; "
            f"use {', '.join(map(str, HZS[:-1]))} or {HZS[-1]}"
        )
    patience = user_timeout / 1000 if user_timeout else None
    return Settings(read_keepalive(keepalive), patience, Stack(retries2=retries2, hz=hz))
