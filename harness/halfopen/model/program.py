"""How a program is started, fed and read: plain data that travels into a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FeedKind = Literal["stdin", "file", "unix datagram", "unix stream", "tcp", "udp"]

Framing = Literal["line", "as sent", "header", "anywhere"]
"""How an output holds a message: as a line of its own; as a line of its own as its sender sent it,
which may have put a header of its own before it; behind a header, to the end of a line; or anywhere
in a line."""


@dataclass(frozen=True)
class Ready:
    """When a program can work: when all of these hold that are not None.

    Attributes:
        event: an event of this name came in its structured log (JSON lines on standard error).
        listening: a socket of its host listens on this TCP port.
        connected: a connection of its host to this port of another is ESTABLISHED.
        line: a line that this regular expression finds is in `file`.
        file: absolute; empty for what the program writes to standard output and error.
        exists: this file or socket is there; absolute.
    """

    event: str | None = None
    listening: int | None = None
    connected: int | None = None
    line: str | None = None
    file: str = ""
    exists: str | None = None


@dataclass(frozen=True)
class Feed:
    """Where a program takes its messages from; one is a line, or a datagram without line feed.

    Attributes:
        kind: standard input, a file to which lines are appended, a Unix socket that the program
            has made, or a port on the loopback of its host.
        path: of the file or Unix socket, absolute.
        port: on 127.0.0.1 of the host.
    """

    kind: FeedKind = "stdin"
    path: str = ""
    port: int = 0


@dataclass(frozen=True)
class ProgramSpec:
    """A program that a system runs on a host, ready to be started.

    Attributes:
        name: unique on the host.
        argv: absolute program and arguments.
        env: added to the environment.
        ready: when it can work; None: as soon as it is started.
        feed: where it takes messages from, None if nowhere.
        ledger: file to which it writes `accepted N` and `acked N` lines, or None: then what was
            written to it counts as what it owes.
        acks: it is told what is safe, and writes `acked N`, if there is anything to write.
        output: file in which its delivered messages appear, one a line, or None.
        framing: how its output holds each message.
        rewrites: it may put a header of its own before the messages that it passes on.
        files: written before it is started: absolute path -> text.
        stale_files: files that it makes while it runs and that a killed one leaves behind, such as
            its pid file; removed before it is started, since they mislead its successor.
        probes: files that it writes about itself, or keeps, and how they are recorded: absolute
            path -> `impstats` (JSON lines), `said` (lines of text) or `spool` (a directory, of
            which the bytes count; `spool *.seg`: those of files with such names).
        directory: in which it runs, None for that of the lab.
        starts_within: seconds that it may take until it is ready, on a busy machine too.
        image: container image that holds it, None for none in particular; an `argv` that is empty
            then means what the image itself runs.
        arguments: for what the image itself runs.
        image_files: put over what its image holds: absolute path -> text.
        limits: of what it may have: `nofile` (file descriptors), `memory` (bytes), `cpu`
            (processors); only labs that run containers have them.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    ready: Ready | None = None
    feed: Feed | None = None
    ledger: str | None = None
    acks: bool = False
    output: str | None = None
    framing: Framing = "as sent"
    rewrites: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    stale_files: tuple[str, ...] = ()
    probes: Mapping[str, str] = field(default_factory=dict)
    directory: str | None = None
    starts_within: float = 30.0
    image: str | None = None
    arguments: tuple[str, ...] = ()
    image_files: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)


def program_from_json(data: Mapping[str, Any]) -> ProgramSpec:
    """The program that `dataclasses.asdict` made plain."""
    values = dict(data)
    for name in ("argv", "arguments", "stale_files"):
        values[name] = tuple(data[name])
    values["ready"] = None if data["ready"] is None else Ready(**data["ready"])
    values["feed"] = None if data["feed"] is None else Feed(**data["feed"])
    return ProgramSpec(**values)
