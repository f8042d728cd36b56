"""What all records share."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Timed(TypedDict):
    """Any record.

    Attributes:
        t: seconds of lab time since the run began (monotonic). Whoever emits a record leaves it
            out: it is set where the record comes into the history, and a file always has it.
    """

    t: NotRequired[float]


class OfHost(Timed):
    """A record about one host.

    Attributes:
        host: name of the host, as in the scenario.
    """

    host: str


class OfProgram(OfHost):
    """A record about one program of a host.

    Attributes:
        process: name of the program.
    """

    process: str
