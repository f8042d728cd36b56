"""What can be done to the program on an endpoint."""

from __future__ import annotations

from dataclasses import dataclass

from halfopen.verbs.base import Verb


@dataclass(frozen=True)
class SignalProgram(Verb):
    """The program on `host` gets a signal: KILL, TERM, STOP or CONT."""

    host: str
    signal: str


@dataclass(frozen=True)
class LimitFds(Verb):
    """The program on `host` may have so many file descriptors open (soft RLIMIT_NOFILE).

    Attributes:
        host: where it runs.
        limit: what is open already stays open; None gives it back what it had.
    """

    host: str
    limit: int | None
