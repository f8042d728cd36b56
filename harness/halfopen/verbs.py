"""The closed set of things that a lab can be told to do to a running scenario.

A fault is compiled to these; a lab says which it can (`LabSpec.verbs`).  A scenario that needs one
that the lab cannot do gets the verdict *unsupported*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Manner = Literal["drop", "reset", "unreachable"]


@dataclass(frozen=True)
class ForgetFlows:
    """The middlebox `at` loses its entries, silently, of flows from `client` (None: of all)."""

    at: str
    client: str | None = None


@dataclass(frozen=True)
class Block:
    """The middlebox `at` keeps packets from getting through, until :class:`Unblock`.

    Attributes:
        at: the middlebox.
        name: of this block, unique among those that stand.
        to: only packets towards this host; None: in both directions.
        share: of the packets, above 0, at most 1; each is decided by chance.
        manner: dropped silently, answered with RST, or with ICMP host unreachable.
        only_new: only packets that would begin a flow (SYN); what is known goes on.
    """

    at: str
    name: str
    to: str | None = None
    share: float = 1.0
    manner: Manner = "drop"
    only_new: bool = False


@dataclass(frozen=True)
class Unblock:
    """The middlebox `at` ends the block `name`."""

    at: str
    name: str


@dataclass(frozen=True)
class SetLink:
    """The link between two neighbours goes down (a cable is pulled) or up again."""

    between: tuple[str, str]
    up: bool


@dataclass(frozen=True)
class SignalProgram:
    """The program on `host` gets a signal: KILL, TERM, STOP or CONT."""

    host: str
    signal: str


@dataclass(frozen=True)
class LimitFds:
    """The program on `host` may have so many file descriptors open (soft RLIMIT_NOFILE).

    Attributes:
        host: where it runs.
        limit: what is open already stays open; None gives it back what it had.
    """

    host: str
    limit: int | None


Verb = ForgetFlows | Block | Unblock | SetLink | SignalProgram | LimitFds
