"""`command send`, `command receive`, `command forward`: any program, told on the spot.

With an image of one's own, what it runs by itself needs no `start`, only `arguments` if it takes
some, and files can be put where it looks for them.

In what is started and written, `${NAME}` is the address of the host NAME as this host sees it, and
`${directory}` the program's own directory, in which it runs.  Any other `${...}` stays as it is:
it may be a shell's.  The time scale divides nothing in a command.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from halfopen.fields import Section
from halfopen.model.program import FeedKind
from halfopen.ports import Feed, ProgramSpec, Ready, SystemContext, SystemSpec

STANDARD_OUTPUT = "standard output"
_NAME = "command"
_PLACE = re.compile(r"\$\{([a-z][a-z0-9-]{0,30})\}")
_KINDS: dict[str, FeedKind] = {
    "file": "file",
    "tcp": "tcp",
    "udp": "udp",
    "unix_stream": "unix stream",
    "unix_datagram": "unix datagram",
}
_ADMINISTRATION = "/usr/sbin:/sbin"
"""Not on an ordinary user's path on Debian."""


class ReadyOptions(Section):
    """When the program can work: when all of these hold that are given.

    Attributes:
        listening: it listens on this TCP port.
        connected: it has a connection to this TCP port of another host.
        line: a regular expression that finds a line in `file`.
        file: in which the line is; what it writes to standard error by default.
        exists: a file, or a Unix socket, is there.
    """

    listening: int | None = Field(default=None, ge=1, le=65535)
    connected: int | None = Field(default=None, ge=1, le=65535)
    line: str | None = None
    file: str | None = None
    exists: str | None = None

    @field_validator("line")
    @classmethod
    def _regular(cls, line: str | None) -> str | None:
        try:
            re.compile(line or "")
        except re.error as error:
            raise ValueError(f"{line!r} is no regular expression: {error}") from error
        return line

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.file is not None and self.line is None:
            raise ValueError("a file needs a line to look for in it; add `line: ...`")
        if self.model_dump(exclude_none=True) == {}:
            raise ValueError("say when it is ready, for example `listening: 514`")
        return self


class FeedOptions(Section):
    """Where the program takes its messages from: one of these.

    Attributes:
        file: to which lines are appended.
        tcp: port of 127.0.0.1 to which lines are written.
        udp: port of 127.0.0.1 to which datagrams are sent.
        unix_stream: path of a Unix socket to which lines are written.
        unix_datagram: path of a Unix socket to which datagrams are sent.
    """

    file: str | None = None
    tcp: int | None = Field(default=None, ge=1, le=65535)
    udp: int | None = Field(default=None, ge=1, le=65535)
    unix_stream: str | None = None
    unix_datagram: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_dump(exclude_none=True)) != 1:
            names = "file, tcp, udp, unix stream, unix datagram"
            raise ValueError(f"feed takes one of {names}; leave it out for standard input")
        return self


class Options(Section):
    """What a scenario says of any command.

    Attributes:
        start: the program and its arguments, as a list; left out: what the host's image runs by
            itself (its entry point), in the directory that the image says.
        arguments: of what the host's image runs by itself, instead of those that it comes with.
        env: added to its environment.
        files: written before it starts: name, relative to its directory, and text; an absolute
            name is put into the host's image.
        ready: when it can work; as soon as it is started by default.
    """

    start: tuple[str, ...] | None = Field(default=None, min_length=1)
    arguments: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)
    ready: ReadyOptions | None = None

    @field_validator("files")
    @classmethod
    def _inside(cls, files: dict[str, str]) -> dict[str, str]:
        for name in files:
            if ".." in Path(name).parts:
                raise ValueError(f"{name!r} is not inside the program's own directory")
        return files

    @model_validator(mode="after")
    def _one_command(self) -> Self:
        if self.start is not None and self.arguments:
            raise ValueError("`arguments` is for what an image runs by itself; add them to `start`")
        return self


class SendOptions(Options):
    """What a scenario can set of a sender.

    Attributes:
        feed: where it takes its messages from; its standard input by default.
    """

    feed: FeedOptions | None = None


class ReceiveOptions(Options):
    """What a scenario can set of a receiver.

    Attributes:
        output: `standard output`, or the file in which its messages appear, one a line, with
            whatever it writes around them.
    """

    output: str = STANDARD_OUTPUT


def _search(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:{_ADMINISTRATION}")


def _needs_image(options: Options) -> str | None:
    if options.start is None:
        return "without `start` it is an image that says what runs"
    if outside := [name for name in options.files if Path(name).is_absolute()]:
        return f"the file {outside[0]} is one of an image's"
    return None


def _missing(options: Options) -> Sequence[str]:
    if options.start is None:
        return ()
    program = options.start[0]
    if _PLACE.search(program) or _search(program) is not None:
        return ()
    return (f"the program {program} is missing: install it, or name it by its whole path",)


def _ready(options: Options, context: SystemContext) -> Ready | None:
    given = options.ready
    if given is None:
        return None
    return Ready(
        listening=given.listening,
        connected=given.connected,
        line=given.line,
        file="" if given.file is None else _path(given.file, context),
        exists=None if given.exists is None else _path(given.exists, context),
    )


def _feed(given: FeedOptions | None, context: SystemContext) -> Feed:
    if given is None:
        return Feed()
    ((name, value),) = given.model_dump(exclude_none=True).items()
    kind = _KINDS[name]
    return Feed(kind, port=value) if kind in ("tcp", "udp") else Feed(kind, _path(value, context))


def _fill(text: str, context: SystemContext) -> str:
    known = {**context.addresses, "directory": context.directory}
    return _PLACE.sub(lambda match: known.get(match[1], match[0]), text)


def _path(text: str, context: SystemContext) -> str:
    """Relative to the program's directory."""
    return str(Path(context.directory) / _fill(text, context))


def _program(options: Options, context: SystemContext) -> ProgramSpec:
    argv = tuple(_fill(each, context) for each in options.start or ())
    if argv and not context.contained:
        argv = (_search(argv[0]) or argv[0], *argv[1:])
    texts = {name: _fill(text, context) for name, text in options.files.items()}
    output = getattr(options, "output", None)
    if output == STANDARD_OUTPUT:
        # Where a lab puts what a program writes there.
        output = str(Path(context.notes or context.directory) / f"{_NAME}.out")
    elif output is not None:
        output = _path(output, context)
    return ProgramSpec(
        name=_NAME,
        argv=argv,
        arguments=tuple(_fill(each, context) for each in options.arguments),
        env={key: _fill(value, context) for key, value in options.env.items()},
        ready=_ready(options, context),
        feed=_feed(options.feed, context) if isinstance(options, SendOptions) else None,
        output=output,
        files={_path(n, context): text for n, text in texts.items() if not Path(n).is_absolute()},
        image_files={n: text for n, text in texts.items() if Path(n).is_absolute()},
        directory=context.directory if argv else None,
    )


def _system(name: str, summary: str, role: str, options: type[Options]) -> SystemSpec:
    return SystemSpec(
        name=name,
        summary=summary,
        role=role,
        options=options,
        program=_program,
        missing=_missing,
        needs_image=_needs_image,
    )


SYSTEM = (
    _system(
        "command send", "any program that takes messages and sends them", "sender", SendOptions
    ),
    _system("command receive", "any program that receives messages", "receiver", ReceiveOptions),
    _system("command forward", "any proxy, between the two ends of a path", "proxy", Options),
)
