"""Records about programs: their processes, what they write, and what they hold."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from halfopen.model.records._base import OfProgram


class ProcessRecord(OfProgram):
    """Change in the life of a program.

    Attributes:
        pid: process id in the lab.
        state: what happened.
        status: exit status, negative for a signal; only with `exited`.
        asked: whether a step or a fault had ended it; only with `exited`.
        forced: true if it had to be killed, because it did not end when it was asked to.
        words: the end of its standard error, if nobody asked it to end or it had to be killed.
        heard: streams of it whose lines are recorded (`said`, `log`); only with `started`.
    """

    kind: Literal["process"]
    pid: int
    state: Literal["started", "ready", "exited"]
    status: NotRequired[int | None]
    asked: NotRequired[bool]
    forced: NotRequired[bool]
    words: NotRequired[str]
    heard: NotRequired[list[str]]


class LogRecord(OfProgram):
    """Line of a program's own structured log.

    Attributes:
        event: the JSON object as the program wrote it; its name is in `event`.
    """

    kind: Literal["log"]
    event: dict[str, Any]


class SaidRecord(OfProgram):
    """Line of text that a program wrote.

    Attributes:
        line: the text, or its beginning if it is long; bytes that are not UTF-8 are escaped.
        source: `standard output` or `standard error`; left out for a log file.
        cut: true if this and all further lines are left out, because there are so many.
    """

    kind: Literal["said"]
    line: str
    source: NotRequired[str]
    cut: NotRequired[bool]


class ImpstatsRecord(OfProgram):
    """Set of rsyslog's own counters (impstats).

    Attributes:
        name: of the set.
        origin: module that counts.
        values: counter -> value.
    """

    kind: Literal["impstats"]
    name: str
    origin: str
    values: dict[str, float]


class SpoolRecord(OfProgram):
    """Files that a program keeps on disk.

    Attributes:
        path: of the directory, from that of the host.
        files: number of files below it.
        bytes: sum of their sizes.
    """

    kind: Literal["spool"]
    path: str
    files: int
    bytes: int


class FdsRecord(OfProgram):
    """File descriptors of one process; a sample.

    Attributes:
        pid: of the process, which may be a child of the program.
        counts: kind -> number: tcp, listen, unix, socket, file, pipe, other; `socket` is any other
            socket, also TCP that is closed.
        limit: soft RLIMIT_NOFILE.
        cpu_s: seconds that the process has run on a CPU.
        waited_s: seconds that its threads could have run, but waited for a CPU; only where the
            kernel tells.
    """

    kind: Literal["fds"]
    pid: int
    counts: dict[str, int]
    limit: int
    cpu_s: float
    waited_s: NotRequired[float]
