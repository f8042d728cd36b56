"""What `command send`, `command receive` and `command forward` share."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from halfopen.fields import Section
from halfopen.ports import ProgramSpec, Ready, System, SystemContext

NAME = "command"
_PLACE = re.compile(r"\$\{([a-z][a-z0-9-]{0,30})\}")
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
            raise ValueError(f"{line!r} is not a regular expression: {error}") from error
        return line

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.file is not None and self.line is None:
            raise ValueError("a file needs a line to look for in it; add `line: ...`")
        if self.model_dump(exclude_none=True) == {}:
            raise ValueError("`ready` is empty; write for example `listening: 514`")
        return self


class Command(System):
    """Any program, named in the scenario.

    With an image, what it runs by itself needs no `start`, only `arguments` if it takes some, and
    files can be put where it looks for them.

    In what is started and written, `${NAME}` is the address of the host NAME as this host sees it,
    and `${directory}` the program's own directory, in which it runs.  Any other `${...}` stays as
    it is: it may be a shell's.  The time scale divides nothing in a command.

    Attributes:
        start: the program and its arguments, as a list; left out: what the host's image runs by
            itself (its entry point), in the directory that the image sets.
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

    def image_required(self) -> str | None:
        """Without `start` an image says what runs; files with absolute names are put into one."""
        if self.start is None:
            return "without `start` the image decides what runs"
        if outside := [name for name in self.files if Path(name).is_absolute()]:
            return f"the file {outside[0]} belongs to an image"
        return None

    def missing(self) -> Sequence[str]:
        """What this machine lacks, each with its remedy."""
        if self.start is None:
            return ()
        program = self.start[0]
        if _PLACE.search(program) or _search(program) is not None:
            return ()
        return (f"the program {program} is missing: install it, or give its full path",)

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        argv = tuple(fill(each, context) for each in self.start or ())
        if argv and not context.contained:
            argv = (_search(argv[0]) or argv[0], *argv[1:])
        texts = {name: fill(text, context) for name, text in self.files.items()}
        inside = {name: text for name, text in texts.items() if not Path(name).is_absolute()}
        return ProgramSpec(
            name=NAME,
            argv=argv,
            arguments=tuple(fill(each, context) for each in self.arguments),
            env={key: fill(value, context) for key, value in self.env.items()},
            ready=_ready(self.ready, context),
            files={path(name, context): text for name, text in inside.items()},
            image_files={name: text for name, text in texts.items() if name not in inside},
            directory=context.directory if argv else None,
            rewrites=self.role != "receiver",
        )


def fill(text: str, context: SystemContext) -> str:
    """`text` with addresses and the program's directory in the place of `${...}`."""
    known = {**context.addresses, "directory": context.directory}
    return _PLACE.sub(lambda match: known.get(match[1], match[0]), text)


def path(text: str, context: SystemContext) -> str:
    """A path that is relative to the program's directory."""
    return str(Path(context.directory) / fill(text, context))


def _search(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:{_ADMINISTRATION}")


def _ready(given: ReadyOptions | None, context: SystemContext) -> Ready | None:
    if given is None:
        return None
    return Ready(
        listening=given.listening,
        connected=given.connected,
        line=given.line,
        file="" if given.file is None else path(given.file, context),
        exists=None if given.exists is None else path(given.exists, context),
    )
