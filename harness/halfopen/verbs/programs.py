"""What can be done to the program on an endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from halfopen.verbs.base import Verb

Behaviour = Literal[
    "never answers",
    "acknowledges nothing",
    "answers 500",
    "closes at once",
    "reads slowly",
    "sends garbage",
]
"""What a misbehaving receiver does, see :mod:`halfopen.guests.misbehaving_receiver`."""


@dataclass(frozen=True)
class SignalProgram(Verb):
    """The program on `host` gets a signal: KILL, TERM, STOP or CONT."""

    host: str
    signal: str


@dataclass(frozen=True)
class LimitFds(Verb):
    """The program on `host` may have at most `limit` file descriptors open (soft RLIMIT_NOFILE).

    Attributes:
        host: where it runs.
        limit: what is open already stays open; None gives it back what it had.
    """

    host: str
    limit: int | None


@dataclass(frozen=True)
class LimitMemory(Verb):
    """The program on `host` may have so much private writable memory (soft RLIMIT_DATA).

    Attributes:
        host: where it runs.
        limit: bytes; what it has already it keeps, but it gets no more while above; None gives
            it back what it might have before.
    """

    host: str
    limit: int | None


@dataclass(frozen=True)
class RestartProgram(Verb):
    """The program on `host` is ended and started again; done when it is ready.

    Attributes:
        host: where it runs; its files stay.
        orderly: by SIGTERM, and SIGKILL if it does not end in time; else by SIGKILL.
        down: lab seconds from its end to its start.
        program: fields of the :class:`halfopen.model.program.ProgramSpec` that is started in its
            place, as JSON; None for the same again.
    """

    host: str
    orderly: bool = True
    down: float = 0.0
    program: Mapping[str, Any] | None = None

    @property
    def duration_s(self) -> float:
        """The time that it is down."""
        return self.down


@dataclass(frozen=True)
class ReplaceProgram(Verb):
    """The program on `host` is ended, and a misbehaving receiver listens on its TCP ports."""

    host: str
    does: Behaviour


@dataclass(frozen=True)
class RestoreProgram(Verb):
    """The misbehaving receiver on `host` is ended; the program that it replaced starts again."""

    host: str


@dataclass(frozen=True)
class FillBacklog(Verb):
    """The program on `host` is stopped (SIGSTOP), and its accept queues are filled.

    What comes then is neither accepted nor refused: the kernel drops the SYN (listen(2), and
    Documentation/networking/ip-sysctl.rst, `tcp_abort_on_overflow`).
    """

    host: str


@dataclass(frozen=True)
class DrainBacklog(Verb):
    """What filled the accept queues on `host` is gone, and its program goes on."""

    host: str
