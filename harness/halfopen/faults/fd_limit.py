"""The fault `fd limit`."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from halfopen.faults._programs import EndpointFault
from halfopen.verbs import LimitFds, Verb


class FdLimit(EndpointFault):
    """A program may open no more file descriptors: accept(2) and open(2) fail with EMFILE.

    Attributes:
        at: the endpoint that the program runs on.
        limit: descriptors that may be open; what is open already stays open.
    """

    name = "fd limit"
    summary = "a program cannot open more file descriptors than a limit (soft RLIMIT_NOFILE)"
    uses = (LimitFds,)
    touches = ("descriptors",)

    limit: int = Field(ge=1, le=1_000_000)

    def verbs(self) -> Sequence[Verb]:
        """Set the limit."""
        return (LimitFds(self.at, self.limit),)

    def heal(self) -> Sequence[Verb]:
        """Set the limit from before."""
        return (LimitFds(self.at, None),)
