"""What rsyslog as a sender and as a receiver have in common: files, figures, the main queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from halfopen.fields import BesideScenario, WholeSeconds
from halfopen.ports import Feed, ProgramSpec, Ready, System, SystemContext
from halfopen.products.found import find_program
from halfopen.products.rsyslog import installed, releases
from halfopen.products.rsyslog.queue import Queue, directive_values, script_values
from halfopen.products.rsyslog.releases import Release
from halfopen.products.rsyslog.script import Value, directives, fill, statement

PORT = 2514
MARK = "hf1:"
"""What every message of a run has in it, and nothing that rsyslog says of itself has."""

Syntax = Literal["rainerscript", "legacy"]


class Common(System):
    """rsyslog, on either side: the options that sender and receiver share.

    Attributes:
        binary: rsyslogd, by name or absolute path: for a comparison of versions.
        release: the rsyslog of a Debian release instead of the machine's: 8.2102 of debian 11,
            8.2504 of debian 13, 8.26 of debian 14; unpacked by .ci/rsyslog-releases.
        syntax: of the generated configuration; legacy are the `$` directives of before v6.
        config: a configuration of yours instead of a generated one, beside the scenario file, with
            `@to@`, `@port@`, `@input@`, `@output@`, `@spool@` and `@notes@` where halfopen's
            addresses and files go; options of inputs, actions and queues mean nothing then.
        main_queue: rsyslog's main queue.
        max_open_files: `$MaxOpenFiles`, the limit of file descriptors.
        impstats: how often rsyslog writes its own figures, which are recorded; off for never.
    """

    product = installed.PRODUCT
    image = installed.IMAGE

    binary: str = "rsyslogd"
    release: Release | None = None
    syntax: Syntax = "rainerscript"
    config: BesideScenario | None = None
    main_queue: Queue | None = None
    max_open_files: int | None = None
    impstats: WholeSeconds | None = None

    @model_validator(mode="after")
    def _one_program(self) -> Self:
        if self.release is not None and self.binary != "rsyslogd":
            raise ValueError("`binary` and `release` both say which rsyslogd; leave one out")
        return self

    @property
    def executable(self) -> str:
        """The rsyslogd to start, by name or absolute path."""
        return self.binary if self.release is None else str(releases.rsyslogd(self.release))

    def missing_for(self, modules: Iterable[str]) -> list[str]:
        """What this machine lacks to run it with such modules, each with its remedy."""
        if self.release is not None:
            return releases.missing(self.release)
        return installed.missing(self.binary, modules)

    def image_unsupported(self) -> str | None:
        """Why our image cannot run it."""
        if self.release is not None:
            return f"its image has no rsyslog of {self.release}; set `image` to one that has"
        if "/" in self.binary:
            return f"its image has no {self.binary}; set `image` to one that has"
        return None


@dataclass(frozen=True)
class Files:
    """Where an rsyslogd has what: each is an absolute path."""

    configuration: str
    pid: str
    spool: str
    figures: str
    said: str
    output: str
    input: str


def files_of(context: SystemContext, name: str) -> Files:
    """The files of the program `name`."""
    disk, notes = Path(context.directory), Path(context.ledger_directory or context.directory)
    return Files(
        configuration=str(notes / f"{name}.conf"),
        pid=str(notes / f"{name}.pid"),
        spool=str(disk / "spool"),
        figures=str(notes / "impstats"),
        said=str(notes / f"{name}.said"),
        output=str(disk / "messages"),
        input=f"{context.sockets}/halfopen-{context.host}.log",
    )


def preamble(options: Common, files: Files) -> list[str]:
    """What every generated configuration begins with."""
    lines = [] if options.max_open_files is None else [f"$MaxOpenFiles {options.max_open_files}"]
    # Else what it says of itself goes to the machine's log.
    lines.append(statement("global", {"processInternalMessages": True}))
    if options.syntax == "legacy":
        lines.append(f"$WorkDirectory {files.spool}")
        lines += directives(directive_values(options.main_queue, "main", "MainMsgQueue"))
        lines.append(f':syslogtag, startswith, "rsyslogd" {files.said}')
    else:
        lines.append(statement("global", {"workDirectory": files.spool}))
        if options.main_queue is not None:
            lines.append(statement("main_queue", script_values(options.main_queue, "main")))
        # Inputs have rulesets of their own: what comes here is rsyslog's.
        lines.append(statement("action", {"type": "omfile", "file": files.said}))
    if options.impstats is not None:
        # No directive lets it write to a file; both languages may stand in one configuration.
        figures: dict[str, Value] = {"load": "impstats", "interval": options.impstats}
        figures |= {"format": "json", "log.syslog": False, "log.file": files.figures}
        lines.append(statement("module", figures))
    return lines


def rsyslogd(
    name: str,
    options: Common,
    context: SystemContext,
    lines: Sequence[str],
    *,
    ready: Ready,
    places: dict[str, str],
    feed: Feed | None = None,
    output: str | None = None,
    made: Sequence[str] = (),
) -> ProgramSpec:
    """An rsyslogd of an ordinary user: in the foreground, nothing of the machine's own logs.

    Args:
        name: of the program.
        options: of its side.
        context: of its host.
        lines: the generated configuration, used unless the user brings one.
        ready: when it can work.
        places: what a user's configuration may name, by name.
        feed: where its messages come from.
        output: where its messages go.
        made: files that must be there, empty, when it starts.
    """
    files = files_of(context, name)
    text = "\n".join([*preamble(options, files), *lines]) + "\n"
    if options.config is not None:
        own = (Path(context.base) / options.config).read_text(encoding="utf-8")
        known = {"input": files.input, "output": files.output, "spool": files.spool}
        known["notes"] = str(Path(files.configuration).parent)
        text = fill(own, known | places)
    return ProgramSpec(
        name=name,
        argv=(
            (None if context.contained else find_program(options.executable)) or options.executable,
            *("-n", "-f", files.configuration, "-i", files.pid),
        ),
        env={},
        ready=ready,
        feed=feed,
        output=output,
        framing="header",
        rewrites=True,
        # rsyslog makes no spool directory: without one its queues on disk are not there.
        files={files.configuration: text, f"{files.spool}/.made": "", **dict.fromkeys(made, "")},
        # In a container each rsyslogd is process 1: the pid file of a killed one names its
        # successor, which takes it for another one at work and does not start.
        stale_files=(files.pid,),
        probes={files.figures: "impstats", files.said: "said", files.spool: "spool"},
    )
