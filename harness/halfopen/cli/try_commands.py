"""`halfopen try`: two commands of somebody's own, and a firewall between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from halfopen.advice import read_hop
from halfopen.cli.completion import firewalls, labs
from halfopen.cli.keepalive import read_keepalive
from halfopen.cli.run import run
from halfopen.errors import OutputError, UsageError
from halfopen.model.units import parse_duration
from halfopen.ports import Profile
from halfopen.runner.auto import AUTO
from halfopen.runner.directories import check_own
from halfopen.scenario.library import SUFFIX
from halfopen.scenario.trial import HOSTS, Trial, TrialFirewall
from halfopen.vocabulary import default_vocabulary

BETWEEN = "::"
_GENERIC = "fortigate"  # silent, and drops what it does not know
_FORM = "write them behind --, with :: between them: -- CLIENT ARGUMENTS :: SERVER ARGUMENTS"


def try_commands(
    commands: Annotated[
        list[str],
        typer.Argument(
            metavar="-- CLIENT ... :: SERVER ...",
            help="The client, which takes messages on its standard input and finds the other by "
            "the name `server`; and the server.",
            show_default=False,
        ),
    ],
    port: Annotated[int, typer.Option(min=1, max=65535, help="On which the server listens.")],
    firewall: Annotated[
        list[str],
        typer.Option(
            metavar="PROFILE|SECONDS",
            help="As for `halfopen advise`; repeat it for each, nearest to the client first.",
            autocompletion=firewalls,
        ),
    ],
    silence: Annotated[
        str, typer.Option(metavar="DURATION", help="How long nothing is sent: 1h, 90 min.")
    ],
    output: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="The file in which the server's messages appear.",
            show_default=True,
        ),
    ] = "standard output",
    keepalive: Annotated[
        str,
        typer.Option(
            metavar="T/I/P",
            help="Also try it with this keepalive on every connection, by libkeepalive.",
        ),
    ] = "off",
    lab: Annotated[
        str,
        typer.Option(
            help="netns, docker or warp; auto: warp where it can, else netns.",
            autocompletion=labs,
        ),
    ] = AUTO,
    out: Annotated[
        Path, typer.Option(help="Directory for the scenario, histories and the report.")
    ] = Path("out/try"),
) -> None:
    """Try two commands of your own on both sides of a firewall, and write the scenario for it.

    Ten messages are sent, then nothing for a while, then ten more: none may be lost, and the server
    may be left with no dead connection. Exit status as of `halfopen run`.

    Each command runs in a directory of its own: files of the current directory that it names get
    their whole path.

    Example: halfopen try --firewall fortigate --silence 2h --port 9 -- nc server 9 :: nc -lk 9
    """
    client, server = _two(commands)
    asked = read_keepalive(keepalive)
    profiles = default_vocabulary().profiles
    trial = Trial(
        client,
        server,
        port,
        [_firewall(each, profiles) for each in firewall],
        _silence(silence),
        output,
        None if asked is None else (asked.idle, asked.interval, asked.probes),
    )
    check_own(out)
    path = out / f"try{SUFFIX}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(trial.text(trial.scale))
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    typer.echo(f"wrote {path}: `halfopen run {path}` plays it again", err=True)
    run([path], lab=lab, out=out)


def _two(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    if words.count(BETWEEN) != 1:
        found = "no ::" if BETWEEN not in words else f"{words.count(BETWEEN)} times ::"
        raise UsageError(f"there is {found} in the commands; {_FORM}")
    middle = words.index(BETWEEN)
    client, server = words[:middle], words[middle + 1 :]
    if not client or not server:
        side = "server behind" if client else "client before"
        raise UsageError(f"there is no {side} ::; {_FORM}")
    return _with_whole_paths(client), _with_whole_paths(server)


def _with_whole_paths(words: Sequence[str]) -> Sequence[str]:
    """A command as it can be started elsewhere.

    A program without a slash is searched for along PATH, and the names of the hosts are no files.
    """
    program, *arguments = words
    return [
        str(Path(program).absolute()) if "/" in program else program,
        *(
            str(Path(word).absolute()) if word not in HOSTS and _is_file(word) else word
            for word in arguments
        ),
    ]


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except (OSError, ValueError):  # too long for a path, or with a NUL in it
        return False


def _silence(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--silence: {error}") from None
    if seconds <= 0:
        raise UsageError("--silence: it lasts no time; write for example 1h")
    return seconds


def _firewall(text: str, profiles: Mapping[str, Profile]) -> TrialFirewall:
    hop = read_hop(text, profiles)
    name = text.strip().partition("=")[0]
    own = hop.confidence == "given"
    known = name in profiles or "/" in name or name.endswith((".yaml", ".yml"))
    if known and name not in profiles:
        name = str(Path(name).resolve())  # the scenario lies elsewhere
    return TrialFirewall(name if known else _GENERIC, hop.idle, own)
